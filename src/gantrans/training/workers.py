"""The processes that load images: what they do at a signal, and how their death is noticed."""

from __future__ import annotations

from signal import SIG_IGN, SIGINT, SIGTERM, signal


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
