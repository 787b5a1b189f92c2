"""The tensors of a `.pth` file, read so that nothing in it is ever executed."""

from __future__ import annotations

import pickle
import re
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gantrans.errors import CheckpointError

WRAPPERS = ("state_dict", "model", "model_state_dict")
"""Names under which training scripts keep the network's tensors beside other things."""

PREFIXES = ("module.", "_orig_mod.")
"""What DataParallel and torch.compile put in front of every name."""


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a network by name, on the CPU; in the file's order.

    A state dict, as `torch.save(network.state_dict(), path)` writes it, of any version of torch. It
    may lie in a dict under one of `WRAPPERS`, and its names may begin with `PREFIXES`.

    Raises:
        CheckpointError: if the file is missing, damaged, or holds anything but tensors, such as a
            pickled object, which is not made.
    """
    found = _load(path)
    while isinstance(found, dict):
        inner = next((found[key] for key in WRAPPERS if isinstance(found.get(key), dict)), None)
        if inner is None:
            break
        found = inner
    if not isinstance(found, dict) or not found:
        raise CheckpointError(f"{path} holds no tensors by name: {_state_dict_wanted()}")
    for name, tensor in found.items():
        if not isinstance(name, str) or not _is_plain(tensor):
            raise CheckpointError(
                f"{path} is no state dict of one network, {name!r} is no plain tensor in it but of "
                f"type {type(tensor).__name__!r}: {_state_dict_wanted()}"
            )
    for prefix in PREFIXES * 2:  # a compiled network in DataParallel, or the other way round
        if all(name.startswith(prefix) for name in found):
            found = {name.removeprefix(prefix): tensor for name, tensor in found.items()}
    return {name: tensor.detach() for name, tensor in found.items()}


def _is_plain(value: Any) -> bool:
    """Whether it is a tensor with a number at each place: neither sparse, quantised nor empty."""
    return (
        isinstance(value, Tensor)
        and value.layout == torch.strided
        and not (value.is_quantized or value.is_meta or value.is_complex())
    )


def _load(path: Path) -> Any:
    if path.is_dir():
        raise CheckpointError(f"{path} is a folder: give its files, such as {path}/*_net_G_A.pth")
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
