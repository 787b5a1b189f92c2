"""The discriminators of pix2pix, CycleGAN and CUT: of patches, and of single pixels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from gantrans.inference.foreign.family import Architecture, Family, Tensors, norm_of, refuse_norm


def _recognise_patchgan(found: Tensors) -> Architecture:
    width, in_channels = found["model.0.weight"].shape[:2]
    convolutions = [n for n, t in found.items() if n.endswith(".weight") and t.dim() == 4]
    blur = "model.2.filt" in found
    table: dict[str, Any] = {
        "type": "patchgan",
        "width": width,
        "layers": max(len(convolutions) - 2, 1),  # beside the first and the last
        "norm": norm_of(found, "model.4" if blur else "model.3"),
    }
    if blur:
        table["downsample"] = "blur"
    return Architecture("discriminator", table, in_channels)


def _recognise_pixel(found: Tensors) -> Architecture:
    width, in_channels = found["net.0.weight"].shape[:2]
    table = {"type": "pixel", "width": width, "norm": norm_of(found, "net.3")}
    return Architecture("discriminator", table, in_channels)


def _patchgan_name(name: str, network: nn.Module) -> str:
    return name.replace("layers.", "model.", 1)


def _pixel_name(name: str, network: nn.Module) -> str:
    return name.replace("layers.", "net.", 1)


def _refuse(table: Mapping[str, Any]) -> str | None:
    if table["spectral"]:
        return "there is no spectral normalisation in them"
    return refuse_norm(table)


PATCHGAN = Family(
    kind="discriminator",
    component="patchgan",
    first="model.0.weight",
    recognise=_recognise_patchgan,
    their_name=_patchgan_name,
    refuse=_refuse,
    sequence="model",
)

PIXEL = Family(
    kind="discriminator",
    component="pixel",
    first="net.0.weight",
    recognise=_recognise_pixel,
    their_name=_pixel_name,
    refuse=_refuse,
    sequence="net",
)
