"""The processes that load images: what they do at a signal, and how their death is noticed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import active_children
from signal import SIG_IGN, SIGINT, SIGTERM, signal
from traceback import clear_frames
from typing import Any

from torch.utils.data import DataLoader


@contextmanager
def loading(loader: DataLoader[Any]) -> Iterator[Iterator[Any]]:
    """The items of a loader; its processes have ended when it is left, whatever they wait for."""
    others = set(active_children())
    items: list[Iterator[Any]] = [iter(loader)]
    processes = set(active_children()) - others
    try:
        yield _handed(items)
    finally:
        items.clear()  # by which torch ends them
        # Unless one that was killed held what the others wait for; they are deaf to SIGTERM, and
        # Python would wait for them when it ends.
        for process in processes:
            process.kill()


def _handed(items: list[Iterator[Any]]) -> Iterator[Any]:
    """The items of an iterator that is held by nobody but `items`: so it ends when that forgets."""
    while items:
        try:
            item = next(items[0])
        except StopIteration:
            return
        except BaseException as error:
            clear_frames(error.__traceback__)  # which hold the iterator too
            raise
        yield item


def leave_signals_to_parent(worker: int) -> None:
    """What a worker does first. The parent ends its workers."""
    # Ctrl-C, and the SIGTERM of a batch system, reach the whole process group; the parent saves and
    # then ends its workers. Had one ended before, the parent would fail in the middle of a step.
    signal(SIGINT, SIG_IGN)
    signal(SIGTERM, SIG_IGN)


def lost_worker(error: Exception) -> bool:
    """Whether `error` means that a loading process was killed, as by a system short of memory."""
    if isinstance(error, RuntimeError):  # torch's signal handler raises it, wherever one is
        return str(error).startswith("DataLoader worker")
    # Nobody is there to hand over a tensor. What fails inside a worker begins with "Caught".
    return isinstance(error, ConnectionError | EOFError) and not str(error).startswith("Caught")
