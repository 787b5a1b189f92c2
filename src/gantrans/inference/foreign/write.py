"""Writing gantrans' networks in the form of other projects."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from gantrans.errors import CheckpointError, UsageError
from gantrans.inference.foreign.family import Architecture
from gantrans.inference.foreign.fit import FAMILIES
from gantrans.inference.foreign.together import written_together
from gantrans.inference.header import WeightsHeader, read_header
from gantrans.inference.model_files import generator_files
from gantrans.inference.weights import load_tensors
from gantrans.plugin.manager import load_registry
from gantrans.plugin.registry import Registry

Form = Literal["junyanz", "cut", "aitorzip"]


@dataclass(frozen=True)
class Exported:
    """One network that was written.

    Args:
        source: the weights file of gantrans.
        target: the file of the other project.
        header: what the weights file says.
    """

    source: Path
    target: Path
    header: WeightsHeader


def export_weights(
    model: Path,
    out: Path,
    *,
    form: Form = "junyanz",
    name: str = "latest",
    generators_only: bool = False,
    overwrite: bool = False,
) -> list[Exported]:
    """Write a model's networks as files that another project loads. All are written, or none.

    Args:
        model: a run directory, a checkpoint folder, or one generator file.
        out: the folder to write to.
        form: whose names and layout. "cut" is "junyanz" with antialiased networks.
        name: what junyanz and CUT put in front of their files' names, such as an epoch.
        generators_only: leaves out the discriminators.
        overwrite: whether files that are in the way are replaced.

    Raises:
        UsageError: if a network has no such form, or something is in the way.
        CheckpointError: if the model cannot be read.
        PluginError: if a network's component is not known.
    """
    if not re.fullmatch(r"\w[\w.-]*", name):
        raise UsageError(f"{name!r} begins the files' names: use letters, digits, '.', '_' and '-'")
    generators = generator_files(model)
    headers = {path: read_header(path) for path in generators}
    if model.is_dir() and not generators_only:
        for path in sorted(generators[0].parent.glob("discriminator_*.safetensors")):
            generator_files(path)  # says if it is not what was saved
            headers[path] = read_header(path, within=path.parent)
    one_way = len({header.target for header in headers.values()}) == 1
    targets = {
        path: _file_name(path, header, form, name, one_way=one_way)
        for path, header in headers.items()
    }
    if len(set(targets.values())) < len(targets):
        raise UsageError(f"{model} has two networks of one direction: give one generator file")
    registry = load_registry()
    with written_together(out, list(targets.values()), overwrite=overwrite) as stage:
        for path, target in targets.items():
            _save(stage / target, _in_their_form(path, headers[path], form, registry))
    return [Exported(path, out / target, headers[path]) for path, target in targets.items()]


def _file_name(path: Path, header: WeightsHeader, form: Form, name: str, *, one_way: bool) -> str:
    if header.kind not in ("generator", "discriminator") or header.target not in ("a", "b"):
        raise UsageError(f"{path} holds the {header.role}, which other projects do not have")
    is_generator, to_b = header.kind == "generator", header.target == "b"
    if form == "aitorzip":
        if is_generator:
            return "netG_A2B.pth" if to_b else "netG_B2A.pth"
        return "netD_B.pth" if to_b else "netD_A.pth"
    letter = "G" if is_generator else "D"
    if one_way:
        return f"{name}_net_{letter}.pth"
    # Their D_A judges what G_A makes, which is of domain B.
    return f"{name}_net_{letter}_{'A' if to_b else 'B'}.pth"


def _in_their_form(
    path: Path, header: WeightsHeader, form: Form, registry: Registry
) -> dict[str, Tensor]:
    table = header.component
    family = next(
        (f for f in FAMILIES if (f.kind, f.component) == (header.kind, table["type"])), None
    )
    if family is None:
        known = ", ".join(family.component for family in FAMILIES)
        raise _no_form(path, header, f"there is no {table['type']} in them (there are: {known})")
    config = registry.config(header.kind, table["type"], table)  # fills in what is newer
    table = config.model_dump(mode="json")
    reason = family.refuse(table) or _refuse_form(table, form)
    if reason:
        raise _no_form(path, header, reason)
    outline = Architecture(header.kind, table, header.in_channels, header.out_channels).outline(
        registry
    )
    tensors = load_tensors(path, "cpu")
    names = family.names(outline)
    for name, expected in outline.state_dict().items():
        if name not in tensors or tensors[name].shape != expected.shape:
            raise CheckpointError(
                f"{path} does not fit the {header.kind} {table['type']!r}, at the tensor {name!r}: "
                "use another checkpoint"
            )
    return {names[name]: tensors[name] for name in names} | family.filters(outline)


def _refuse_form(table: Mapping[str, Any], form: Form) -> str | None:
    """Why a network that some project has is none of this one's, or nothing."""
    blur = "blur" in (table.get("downsample"), table.get("upsample"))
    pool = table.get("pool", "none")
    if blur and form != "cut":
        return "antialiased networks are CUT's: write them with --format cut"
    if form == "aitorzip":
        if table["type"] not in ("resnet", "patchgan"):
            return f"it has no {table['type']}"
        if table["norm"]["type"] != "instance" or table.get("dropout"):
            return "its networks have instance norm and no dropout"
        if table["type"] == "patchgan" and pool != "mean":
            return "its discriminator has pool = 'mean'"
    elif pool != "none":
        return f"their discriminators have pool = 'none', this one {pool!r}"
    return None


def _no_form(path: Path, header: WeightsHeader, reason: str) -> UsageError:
    way_out = "; --generators-only leaves discriminators out"
    return UsageError(
        f"{path} cannot be written in the form of another project: {reason}"
        + way_out * (header.kind == "discriminator")
    )


def _save(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """A plain dict of tensors, each with memory of its own, on the disk."""
    try:
        with path.open("wb") as file:  # torch's own writer does not say that the disk is full
            torch.save({name: tensor.contiguous() for name, tensor in tensors.items()}, file)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise CheckpointError(
            f"cannot write {path}: {error.strerror or error}; make room on the disk, or make "
            "the folder writable"
        ) from error
