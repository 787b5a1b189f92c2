"""Where the weights of the Inception network come from: a file, or torch-fidelity's."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from http.client import HTTPException
from pathlib import Path
from pickle import UnpicklingError

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor
from torch_fidelity.feature_extractor_inceptionv3 import URL_INCEPTION_V3

from gantrans.errors import CheckpointError

_UNREADABLE = (OSError, RuntimeError, ValueError, EOFError, LookupError, UnpicklingError)


def fetched() -> Path:
    """The file of torch-fidelity's weights, in torch's cache; downloaded if it is not there.

    Raises:
        CheckpointError: if it is neither there nor to be had.
    """
    cache = Path(torch.hub.get_dir()) / "checkpoints"
    file = cache / Path(URL_INCEPTION_V3).name
    if file.is_file():
        return file
    try:
        cache.mkdir(parents=True, exist_ok=True)
        digest = file.stem.rpartition("-")[2]  # the first digits of its SHA-256
        torch.hub.download_url_to_file(URL_INCEPTION_V3, str(file), digest, progress=False)
    except (*_UNREADABLE, HTTPException) as error:
        raise CheckpointError(
            f"cannot get the weights of the Inception network: {_first_line(error)}. Download "
            f"{URL_INCEPTION_V3} where there is a network, and name the file, weights = "
            f'"path/to/{file.name}" (or put it into {cache})'
        ) from error
    return file


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


def digest_of(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
