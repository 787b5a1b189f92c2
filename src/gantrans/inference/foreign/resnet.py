"""The residual generator of CycleGAN and CUT: the same layers in a row as gantrans has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from gantrans.inference.foreign.family import (
    Architecture,
    Family,
    Tensors,
    norm_of,
    refuse_norm,
    size,
)


def _recognise(found: Tensors) -> Architecture:
    width, in_channels = found["model.1.weight"].shape[:2]
    blur = "model.7.filt" in found  # a blur after each of the two halvings
    first = 12 if blur else 10
    block = f"model.{first}.conv_block"
    blocks = len({name.split(".")[1] for name in found if ".conv_block." in name})
    after = first + blocks
    blur_up = f"model.{after}.filt" in found
    last = f"model.{after + (9 if blur_up else 7)}.weight"
    table: dict[str, Any] = {
        "type": "resnet",
        "width": width,
        "blocks": blocks,
        "norm": norm_of(found, "model.2"),
    }
    if f"{block}.5.weight" not in found and f"{block}.6.weight" in found:
        table["dropout"] = 0.5  # the only share that these projects know
    if blur:
        table["downsample"] = "blur"
    if blur_up:
        table["upsample"] = "blur"
    return Architecture("generator", table, in_channels, size(found, last, 0, in_channels))


def _their_name(name: str, network: nn.Module) -> str:
    return name.replace("layers.", "model.", 1).replace(".layers.", ".conv_block.")


def _refuse(table: Mapping[str, Any]) -> str | None:
    if table["upsample"] == "nearest":
        return "there is no upsample = 'nearest' in them"
    if table["halvings"] != 2:
        return f"their residual generators halve twice, not {table['halvings']} times"
    return refuse_norm(table)


RESNET = Family(
    kind="generator",
    component="resnet",
    first="model.1.weight",
    recognise=_recognise,
    their_name=_their_name,
    refuse=_refuse,
    sequence="model",
)
