"""Batches made by a thread in the background, a few ahead of the step that takes them."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

T = TypeVar("T")

AHEAD = 4
"""Items that are ready, or being made, while one is in use."""


def ahead(items: Iterator[T], *, cuda_device: int | None = None) -> Generator[T, None, None]:
    """The same items in the same order; what making one raises is raised where it is taken.

    The thread ends with the iteration: at the last item, at an error, and when it is closed.

    Args:
        items: made one after the other, by one thread.
        cuda_device: number of the GPU that the thread shall use, if it uses one.
    """
    end = object()
    # A thread has a current GPU of its own, at first number 0, where it would take memory.
    begin = None if cuda_device is None else lambda: torch.cuda.set_device(cuda_device)
    with ThreadPoolExecutor(1, "gantrans-batches", initializer=begin) as thread:
        waiting = deque(thread.submit(next, items, end) for _ in range(AHEAD))
        while (item := waiting.popleft().result()) is not end:
            waiting.append(thread.submit(next, items, end))
            yield item  # type: ignore[misc]  # `end` is no item
