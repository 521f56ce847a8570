"""Starts the firmware: on a board from its pins, on the unix port with the lines that the launcher hands over."""

import gc
import sys

import takt_contract as contract
from takt_board.firmware import Firmware

DEFAULT_KEY = 0x54414B54  # "TAKT"


def run_unix(words, make=Firmware):
    """``words``: link, plant, address of retained memory, descriptor of signals, key, domain, SCHED_FIFO granted."""
    from unix_board import UnixBoard, say

    link, plant, retained_at, signals, key, domain, granted = words[:7]
    board = UnixBoard(link, plant, int(retained_at), int(signals))
    firmware = make(board, int(key, 16), int(domain))
    gc.collect()
    contract_hash = contract.CONTRACT_HASH.decode()
    say(f"boot {firmware.ledger.boots()}, contract {contract_hash}, SCHED_FIFO granted {granted}")
    board.run(firmware)


def run_board():
    from board import Board

    board = Board()
    board.run(Firmware(board, DEFAULT_KEY, 255))


if __name__ == "__main__":
    if sys.platform == "linux":
        run_unix(sys.argv[1:])
    else:
        run_board()
