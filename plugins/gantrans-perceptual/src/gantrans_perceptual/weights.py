"""Where the weights of a feature network come from: a file, torchvision, or chance."""

from __future__ import annotations

from collections.abc import Mapping
from http.client import HTTPException
from math import prod, sqrt
from pathlib import Path
from pickle import UnpicklingError

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor
from torchvision import models

from gantrans.errors import CheckpointError

WEIGHTS = (
    "a .safetensors or .pth file of torchvision's weights, or \"random\"; absent: torchvision's "
    "own, downloaded once"
)
"""The description of the setting `weights`."""

RANDOM = "random"
_UNREADABLE = (OSError, RuntimeError, ValueError, EOFError, LookupError, UnpicklingError)


def read_file(path: Path) -> dict[str, Tensor]:
    """The named tensors of a .safetensors file, or of a .pth file, of which no code is run.

    Raises:
        CheckpointError: if there is no such file, or it holds something else.
    """
    if not path.is_file():
        raise CheckpointError(
            f"there is no weights file {path.absolute()}; in a spec, a relative path is relative "
            "to the spec's folder"
        )
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        found = torch.load(path, map_location="cpu", weights_only=True)
    except (*_UNREADABLE, SafetensorError) as error:
        raise CheckpointError(
            f"cannot read the weights file {path}: {_first_line(error)}; it must be a .safetensors "
            "file, or a .pth file that holds tensors only"
        ) from error
    named = found if isinstance(found, Mapping) else {}
    return {str(key): value for key, value in named.items() if isinstance(value, Tensor)}


def download(network: str) -> dict[str, Tensor]:
    """torchvision's ImageNet weights, from its cache or the net.

    Raises:
        CheckpointError: if they are neither here nor to be had.
    """
    source = models.get_model_weights(network).IMAGENET1K_V1
    try:
        state: dict[str, Tensor] = source.get_state_dict(check_hash=True, weights_only=True)
    except (*_UNREADABLE, HTTPException) as error:
        cache = Path(torch.hub.get_dir()) / "checkpoints"
        raise CheckpointError(
            f"cannot get the weights of {network} ({source}) from torchvision: "
            f"{_first_line(error)}. Either download {source.url} where there is a network, and "
            f'name the file, weights = "path/to/{Path(source.url).name}" (or put it into {cache}); '
            'or compare features of an untrained network, weights = "random"'
        ) from error
    return state


def fitting(
    state: Mapping[str, Tensor], shapes: Mapping[str, torch.Size], *, prefix: str, what: str
) -> dict[str, Tensor]:
    """Of `state` the tensors "<prefix><name>", in float32 and by name, of exactly these shapes.

    Raises:
        CheckpointError: naming the first that is missing, of another shape, or unknown.
    """
    for name, shape in shapes.items():
        found = state.get(prefix + name)
        if found is None:
            raise CheckpointError(f"{what}: there is no tensor {prefix + name!r} in it")
        if found.shape != shape:
            raise CheckpointError(
                f"{what}: {prefix + name!r} has shape {tuple(found.shape)}, not {tuple(shape)}"
            )
    for key in state:
        if key.startswith(prefix) and key.removeprefix(prefix) not in shapes:
            raise CheckpointError(f"{what}: {key!r} is no tensor of it")
    return {name: state[prefix + name].detach().float() for name in shapes}


def random_weights(shapes: Mapping[str, torch.Size]) -> dict[str, Tensor]:
    """Kernels normal(0, sqrt(2 / fan-in)) (He et al. 2015), biases 0; the same ones each time.

    So distances of one run can be compared with those of another, and with those after a resume.
    """
    stream = torch.Generator().manual_seed(0)
    return {
        name: torch.randn(shape, generator=stream) * sqrt(2 / prod(shape[1:]))
        if len(shape) > 1
        else torch.zeros(shape)
        for name, shape in shapes.items()
    }


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
