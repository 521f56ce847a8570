"""The errors that a person can mend: each names its cause and its fix."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

EXIT_BAD_INPUT = 2


class TaktError(Exception):
    """Bad input or a missing part. ``cause`` says what is wrong, ``fix`` what to do about it."""

    def __init__(self, cause: str, fix: str) -> None:
        super().__init__(cause)
        self.cause = cause
        self.fix = fix

    def __str__(self) -> str:
        return f"{self.cause.rstrip('.')}. Fix: {self.fix}"


def report(error: TaktError) -> None:
    """Print the one line that a person needs."""
    print(f"error: {error}", file=sys.stderr, flush=True)


def guarded(main: Callable[[], int]) -> int:
    """Run ``main``; a TaktError becomes one clear line and exit status 2, never a traceback."""
    try:
        return main()
    except TaktError as error:
        report(error)
        return EXIT_BAD_INPUT
    except BrokenPipeError:  # the reader of our output (a pager, head) has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
