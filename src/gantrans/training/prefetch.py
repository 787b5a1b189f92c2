"""Batches made by a thread in the background, a few ahead of the step that takes them."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator, Iterator
from contextlib import suppress
from queue import SimpleQueue
from threading import Thread, get_native_id
from typing import TypeVar

import torch

T = TypeVar("T")

AHEAD = 4
"""Items that are ready, or being made, while one is in use."""

NICE = 10
"""Of 19, by which the thread gives way to those that compute the step."""


def ahead(items: Iterator[T], *, cuda_device: int | None = None) -> Generator[T, None, None]:
    """The same items in the same order; what making one raises is raised where it is taken.

    The thread ends with the iteration: at the last item, at an error, and when it is closed.

    Args:
        items: made one after the other, by one thread.
        cuda_device: number of the GPU that the thread shall use, if it uses one.
    """
    # These queues are written in C: to take what is ready, one does not wait for the other thread.
    ready: SimpleQueue[tuple[list[T], BaseException | None]] = SimpleQueue()
    room: SimpleQueue[bool] = SimpleQueue()
    open_ = True

    def make() -> None:
        try:
            if sys.platform == "linux":  # where a thread has a priority: the step goes first
                with suppress(OSError):
                    os.setpriority(os.PRIO_PROCESS, get_native_id(), NICE)
            if cuda_device is not None:
                # A thread has a GPU of its own, at first number 0, where it would take memory.
                torch.cuda.set_device(cuda_device)
            while room.get() and open_:
                try:
                    ready.put(([next(items)], None))
                except StopIteration:
                    ready.put(([], None))
                    return
        except BaseException as error:
            ready.put(([], error))

    thread = Thread(target=make, name="gantrans-batches", daemon=True)
    thread.start()
    try:
        for _ in range(AHEAD):
            room.put(True)
        while True:
            made, error = ready.get()
            if error is not None:
                raise error
            if not made:
                return
            room.put(True)
            yield made[0]
    finally:
        open_ = False
        room.put(False)
        thread.join()
