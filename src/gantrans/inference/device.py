"""Where networks run: `auto`, `cpu`, `cuda`, `cuda:N` or `mps`."""

from __future__ import annotations

import torch

from gantrans.errors import UsageError


def choose_device(name: str) -> torch.device:
    """The device of that name; `auto` is the first of cuda, mps and cpu that there is.

    Raises:
        UsageError: if there is no such device here, saying which there are.
    """
    there = available_devices()
    if name == "auto":
        return torch.device(there[0])
    if name not in there:
        raise UsageError(f"no device {name!r} here; there are: auto, {', '.join(there)}")
    return torch.device(name)


def available_devices() -> list[str]:
    """The names of the devices that this machine and this torch have, the fastest first."""
    cuda = torch.cuda.device_count() if torch.cuda.is_available() else 0
    return [
        *(["cuda"] if cuda else []),
        *(f"cuda:{n}" for n in range(cuda)),
        *(["mps"] if torch.backends.mps.is_available() else []),
        "cpu",
    ]


def is_out_of_memory(error: Exception) -> bool:
    """Whether `error` says that the device, or the host, has no memory left."""
    # torch has a class for GPUs only; on the CPU its allocator raises a bare RuntimeError.
    out = (MemoryError, torch.OutOfMemoryError)
    return isinstance(error, out) or "can't allocate memory" in str(error)
