"""A file's tensors and the network that they are of: recognised, compared, and renamed."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from gantrans.errors import CheckpointError
from gantrans.inference.foreign.discriminators import PATCHGAN, PIXEL
from gantrans.inference.foreign.family import Architecture, Family, Tensors
from gantrans.inference.foreign.resnet import RESNET
from gantrans.inference.foreign.unet import UNET
from gantrans.plugin.registry import Registry

FAMILIES = (RESNET, UNET, PATCHGAN, PIXEL)

STATISTICS = ("running_mean", "running_var", "num_batches_tracked")
"""Ends of the names of what a norm counted; instance norms counted it before torch 0.4."""


def recognise(path: Path, found: Tensors) -> tuple[Family, Architecture]:
    """Which network a file's tensors are of, as far as their names and shapes say.

    Args:
        path: the file, for messages.
        found: its tensors.

    Raises:
        CheckpointError: if they begin as those of no network that is known here.
    """
    for family in FAMILIES:
        first = found.get(family.first)
        if first is not None and first.dim() == 4 and first.numel():
            return family, family.recognise(found)
    name, tensor = next(iter(found.items()))
    known = ", ".join(f"{family.first!r} ({family.component})" for family in FAMILIES)
    raise CheckpointError(
        f"{path} holds no network that is known here: its first tensor is {name!r} of shape "
        f"{tuple(tensor.shape)}, expected is a convolution's weight that is called one of {known}"
    )


def renamed(
    path: Path,
    found: Tensors,
    family: Family,
    architecture: Architecture,
    registry: Registry,
) -> tuple[dict[str, Tensor], bool]:
    """A file's tensors under gantrans' names, all that the network has; and whether statistics of
    instance norms were left out, which do not belong to it.

    Args:
        path: the file, for messages.
        found: its tensors.
        family: what they are of.
        architecture: with which settings.
        registry: where the component is looked up.

    Raises:
        CheckpointError: naming the first tensor that differs from what the network has.
    """
    outline = architecture.outline(registry)
    expected, names = outline.state_dict(), family.names(outline)
    filters = family.filters(outline)
    left = {**found}
    if architecture.table["norm"] == "instance":
        left = {n: t for n, t in found.items() if n.rpartition(".")[2] not in STATISTICS}
    counts = {theirs for theirs in names.values() if theirs.endswith(STATISTICS[2])}
    for theirs in counts - left.keys():  # which torch has since 0.4.1
        left[theirs] = torch.zeros((), dtype=torch.int64)
    shapes = {names[own]: tensor.shape for own, tensor in expected.items()}
    shapes |= {theirs: tensor.shape for theirs, tensor in filters.items()}
    difference = _first_difference(left, shapes)
    difference = difference or _other_filter(left, filters)
    if difference:
        raise CheckpointError(
            f"{path} looks like a {architecture}, but {difference}: this network is not known here"
        )
    tensors = {
        own: _values(path, names[own], left[names[own]], tensor.dtype)
        for own, tensor in expected.items()
    }
    return tensors, len(left) < len(found)


def _values(path: Path, name: str, found: Tensor, dtype: torch.dtype) -> Tensor:
    """A tensor in the precision that gantrans keeps, if its values can be a network's."""
    if dtype.is_floating_point and not found.is_floating_point():
        raise CheckpointError(
            f"{path}: the tensor {name!r} has values of {found.dtype}, which are no weights: use "
            "a file that its project wrote"
        )
    values = found.to(dtype)
    # Of both: what is not finite becomes some whole number, and what is large infinite.
    if not (values.isfinite().all() and found.float().isfinite().all()):
        raise CheckpointError(
            f"{path}: the tensor {name!r} has values that are not finite, so the network gives no "
            "picture: use a file of an earlier epoch"
        )
    return values


def _first_difference(found: Tensors, expected: dict[str, torch.Size]) -> str | None:
    """The first tensor, in the order of the network, that is missing, misshapen or unexpected."""
    for name, shape in expected.items():
        if name not in found:
            return f"the tensor {name!r} of shape {tuple(shape)} is missing"
        if found[name].shape != shape:
            return (
                f"the tensor {name!r} has the shape {tuple(found[name].shape)}, expected "
                f"{tuple(shape)}"
            )
    unexpected = next((name for name in found if name not in expected), None)
    return f"the tensor {unexpected!r} is not expected there" if unexpected else None


def _other_filter(found: Tensors, filters: Tensors) -> str | None:
    for name, expected in filters.items():
        if not torch.allclose(found[name].float(), expected, atol=1e-5):
            return f"the filter {name!r} is not {_taps(expected)}, as CUT has it"
    return None


def _taps(square: Tensor) -> str:
    row = square[0, 0, 0] / square[0, 0, 0, 0]
    return f"[{', '.join(f'{value:.0f}' for value in row)}] along both sides"
