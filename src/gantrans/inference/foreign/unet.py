"""The U-Net of pix2pix: theirs holds each level inside the one above, gantrans in two lists."""

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

LEAST_DEPTH = 5
"""Their class always makes the levels of 1, 2, 4 and 8 times the width, and an innermost one."""

MOST_DEPTH = 20
"""Deeper ones would halve a picture of a million pixels a side to nothing: no network is one."""


def _level(number: int) -> str:
    """Their name of the layers of one level, from 1, the outermost."""
    inside = [1] + [3] * (number - 2) if number > 1 else []
    return "model.model" + "".join(f".{place}.model" for place in inside)


def _recognise(found: Tensors) -> Architecture:
    width, in_channels = found["model.model.0.weight"].shape[:2]
    depth = 1
    while depth < MOST_DEPTH and any(n.startswith(f"{_level(depth + 1)}.") for n in found):
        depth += 1
    table = {
        "type": "unet",
        "width": width,
        "depth": max(depth, 2),
        "norm": norm_of(found, f"{_level(2)}.2"),
    }
    out_channels = size(found, "model.model.3.weight", 1, in_channels)
    return Architecture("generator", table, in_channels, out_channels)


def _their_name(name: str, network: nn.Module) -> str:
    way, index, layer, tensor = name.split(".")
    depth = len(list(network.get_submodule(way).children()))
    level, place = int(index) + 1, int(layer)
    if way == "up":  # behind the layers of the way down, and behind the level inside
        place += 2 if level in (1, depth) else 4
    return f"{_level(level)}.{place}.{tensor}"


def _refuse(table: Mapping[str, Any]) -> str | None:
    if table["upsample"] != "transpose":
        return f"there is no U-Net with upsample = {table['upsample']!r} in them"
    if table["depth"] < LEAST_DEPTH:
        return f"their U-Net has depth = {LEAST_DEPTH} or more, this one {table['depth']}"
    return refuse_norm(table)


UNET = Family(
    kind="generator",
    component="unet",
    first="model.model.0.weight",
    recognise=_recognise,
    their_name=_their_name,
    refuse=_refuse,
)
