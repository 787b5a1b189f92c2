"""Where networks run: `auto`, `cpu`, `cuda`, `cuda:N` or `mps`."""

from __future__ import annotations

import torch

from gantrans.errors import UsageError


def choose_device(name: str, rank: int = 0, ranks: int = 1) -> torch.device:
    """The device of that name; `auto` is the first of cuda, mps and cpu that there is.

    Args:
        name: of the device.
        rank: which of the processes this is that train together on this machine.
        ranks: how many they are; on CUDA each has a GPU of its own.

    Raises:
        UsageError: if there is no such device here, saying which there are; or not as many GPUs.
    """
    there = available_devices()
    if name not in ("auto", *there):
        raise UsageError(f"no device {name!r} here; there are: auto, {', '.join(there)}")
    device = torch.device(there[0] if name == "auto" else name)
    if ranks == 1 or device.type == "cpu":
        return device
    if device.type != "cuda" or device.index is not None:
        raise UsageError(
            f"{ranks} processes of one machine cannot share {name!r}: take --device cuda, where "
            "each has a GPU of its own, or --device cpu"
        )
    if ranks > (gpus := torch.cuda.device_count()):
        raise UsageError(
            f"{ranks} processes, and GPUs on this machine: {gpus}; start as many with "
            f"--nproc-per-node={gpus}, or take --device cpu"
        )
    torch.cuda.set_device(rank)
    return torch.device("cuda", rank)


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
