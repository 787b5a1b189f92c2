"""How much memory a process or its GPU uses, has used, and has left; in bytes."""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress
from pathlib import Path

import torch


def peak(device: torch.device) -> int | None:
    """The most that was in use at any moment so far; of this process, or on its GPU alone."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    if device.type == "mps":
        return torch.mps.driver_allocated_memory()
    try:
        import resource
    except ImportError:  # Windows
        return None
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def held() -> int | None:
    """What this process holds on the host now; None where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except (OSError, ValueError):  # not Linux
        return None
    import resource

    return pages * resource.getpagesize()


def room() -> float | None:
    """What this process may come to hold on the host: what it holds, and what is free for it."""
    here = held()
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        [free] = [int(line.split()[1]) for line in lines if line.startswith("MemAvailable:")]
    except (OSError, ValueError):  # not Linux
        return None
    return None if here is None else here + min(free * 1024, _room_in_group())


def give_back() -> None:
    """Have what was freed, and kept for the next time, given back to the system.

    The C library of Linux keeps much of it, and a process that goes on would seem to hold it.
    """
    with suppress(OSError, AttributeError, TypeError):  # other systems have no such function
        ctypes.CDLL(None).malloc_trim(0)


def _room_in_group() -> float:
    """What the limits of a container or a batch job leave (control groups, version 2)."""
    left = float("inf")
    try:
        [group] = [
            line.partition("::")[2].strip()
            for line in Path("/proc/self/cgroup").read_text().splitlines()
            if line.startswith("0::")
        ]
    except (OSError, ValueError):
        return left
    folder = Path("/sys/fs/cgroup", group.lstrip("/"))
    for level in (folder, *folder.parents):
        with suppress(OSError, ValueError, LookupError):  # without a limit it says "max"
            limit = int((level / "memory.max").read_text())
            stat = dict(line.split() for line in (level / "memory.stat").read_text().splitlines())
            used = int((level / "memory.current").read_text()) - int(stat["inactive_file"])
            left = min(left, limit - used)
    return left


def mebibytes(count: float) -> str:
    """3221225 -> "3 MiB" """
    return f"{count / 2**20:,.0f} MiB"
