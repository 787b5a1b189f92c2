"""How much memory a process or its GPU has used, and how much is left; in bytes."""

from __future__ import annotations

import sys
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


def room() -> float | None:
    """What this process may come to hold on the host: what it holds, and what is free for it."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        [free] = [int(line.split()[1]) for line in lines if line.startswith("MemAvailable:")]
    except (OSError, ValueError):  # not Linux
        return None
    import resource

    return pages * resource.getpagesize() + min(free * 1024, _room_in_group())


def _room_in_group() -> float:
    """What is left of the limit of a container or a batch job (control groups, version 2)."""
    try:
        [group] = [
            line.partition("::")[2].strip()
            for line in Path("/proc/self/cgroup").read_text().splitlines()
            if line.startswith("0::")
        ]
        folder = Path("/sys/fs/cgroup", group.lstrip("/"))
        limit = int((folder / "memory.max").read_text())  # or "max"
        return limit - int((folder / "memory.current").read_text())
    except (OSError, ValueError):
        return float("inf")


def mebibytes(count: float) -> str:
    """3221225 -> "3 MiB" """
    return f"{count / 2**20:,.0f} MiB"
