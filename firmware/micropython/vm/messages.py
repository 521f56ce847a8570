"""Messages through the generated codecs; for tests on a host."""

import takt_messages
from takt_board.cdr import Cursor


def write(kind, statements, capacity):
    """CDR of the message ``m`` after the host's ``statements`` (lines of Python); empty when it does not fit."""
    names = {name: getattr(takt_messages, name) for name in dir(takt_messages)}
    names["m"] = names[kind.decode()]()
    exec(statements.decode(), names)
    return _written(names["m"], capacity)


def read(kind, data):
    """What is read, written again (an empty string may take more room then); None when it is refused."""
    message = getattr(takt_messages, kind.decode())()
    cursor = Cursor()
    cursor.open(data, 0, len(data))
    message.read(cursor)
    return _written(message, 8 * len(data)) if cursor.ok else None


def _written(message, capacity):
    cursor = Cursor()
    data = bytearray(capacity)
    cursor.open(data, 0, capacity)
    message.write(cursor)
    return data[: cursor.at] if cursor.ok else b""
