"""Many episodes on several processes, results in the order of the questions."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

Question = TypeVar("Question")
Answer = TypeVar("Answer")


def answers(work: Callable[[Question], Answer], questions: Sequence[Question], jobs: int) -> Iterator[Answer]:
    """``work`` of each question, a function of a module: workers are started anew. ``jobs`` 1: in this process."""
    if jobs == 1 or len(questions) < 2:
        yield from map(work, questions)
        return
    context = multiprocessing.get_context(
        "spawn"
    )  # a fork would share one OpenGL and one ROS library's state
    with context.Pool(min(jobs, len(questions))) as pool:
        yield from pool.imap(work, questions)
