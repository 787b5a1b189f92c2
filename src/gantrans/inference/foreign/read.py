"""The tensors of a `.pth` file, read so that nothing in it is ever executed."""

from __future__ import annotations

import pickle
import re
import stat
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gantrans.errors import CheckpointError

WRAPPERS = ("state_dict", "model", "model_state_dict")
"""Names under which training scripts keep the network's tensors beside other things."""

MOST_WRAPPERS = 3
"""How many of them may lie around each other; a dict may hold itself."""

PREFIXES = ("module.", "_orig_mod.")
"""What DataParallel and torch.compile put in front of every name."""

NUMBERS = (
    *(torch.float64, torch.float32, torch.float16, torch.bfloat16),
    *(torch.float8_e4m3fn, torch.float8_e5m2),
    *(torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8),
)
"""Types of numbers that torch can turn into those of a network."""


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a network by name, on the CPU; in the file's order.

    A state dict, as `torch.save(network.state_dict(), path)` writes it, of any version of torch. It
    may lie in a dict under one of `WRAPPERS`, and its names may begin with `PREFIXES`.

    Args:
        path: of an ordinary file, which `refuse_no_file` sees to.

    Raises:
        CheckpointError: if the file is missing, damaged, or holds anything but tensors, such as a
            pickled object, which is not made.
    """
    found = _load(path)
    for _ in range(MOST_WRAPPERS):
        if not isinstance(found, dict):
            break
        inner = next((found[key] for key in WRAPPERS if isinstance(found.get(key), dict)), None)
        if inner is None:
            break
        found = inner
    if not isinstance(found, dict) or not found:
        raise CheckpointError(f"{path} holds no tensors by name: {_state_dict_wanted()}")
    for name, tensor in found.items():
        if not isinstance(name, str):
            raise CheckpointError(
                f"{path} is no state dict of one network, its tensors are called {name!r} and the "
                f"like: {_state_dict_wanted()}"
            )
        if other := _not_plain(tensor):
            raise CheckpointError(
                f"{path} is no state dict of one network, {name!r} is no plain tensor in it but "
                f"{other}: {_state_dict_wanted()}"
            )
    for prefix in PREFIXES * 2:  # a compiled network in DataParallel, or the other way round
        if all(name.startswith(prefix) for name in found):
            found = {name.removeprefix(prefix): tensor for name, tensor in found.items()}
    return {name: tensor.detach() for name, tensor in found.items()}


def refuse_no_file(path: Path) -> None:
    """Raise CheckpointError if a file is missing, or may have no end, as a pipe."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise CheckpointError(f"cannot read {path}: {error.strerror or error}") from None
    if stat.S_ISDIR(mode):
        raise CheckpointError(f"{path} is a folder: give its files, such as {path}/*_net_G_A.pth")
    if not stat.S_ISREG(mode):
        raise CheckpointError(f"cannot read {path}: it is a pipe or a device; give a file")


def _not_plain(value: Any) -> str | None:
    """What a value is, if not a tensor with a number of its own at each place."""
    if not isinstance(value, Tensor):
        return f"of type {type(value).__name__!r}"
    if value.is_nested or value.layout != torch.strided:
        return "a nested or a sparse one"
    if value.is_meta:
        return "one without values"
    if value.dtype not in NUMBERS:
        return f"one of {value.dtype}"
    if value.numel() * value.itemsize > value.untyped_storage().nbytes():
        return f"one of shape {tuple(value.shape)}, for which the file has too few values"
    return None


def _load(path: Path) -> Any:
    try:
        file = path.open("rb")
    except OSError as error:
        raise CheckpointError(f"cannot read {path}: {error.strerror or error}") from None
    try:
        with file, warnings.catch_warnings(action="ignore"):  # of what is refused anyway
            return torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        asked = re.search(r"GLOBAL (\S+)", str(error))
        what = f"it asks for {asked[1]}, which is code" if asked else "it is a pickle of other kind"
        raise CheckpointError(
            f"{path} holds more than tensors ({what}): nothing of it was executed; "
            f"{_state_dict_wanted()}"
        ) from None
    except Exception as error:  # of bytes that torch never wrote, whatever its reader meets
        reason = (str(error).splitlines() or [""])[0].split(". ")[0]
        raise CheckpointError(
            f"{path} is damaged, or no file of torch.save ({type(error).__name__}: {reason}): copy "
            "the file again, or use another"
        ) from None


def _state_dict_wanted() -> str:
    return "use a file that its project wrote with torch.save(network.state_dict(), FILE)"
