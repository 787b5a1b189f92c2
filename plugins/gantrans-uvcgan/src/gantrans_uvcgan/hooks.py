"""What this package brings. Imports no torch."""

from __future__ import annotations

from gantrans.api.component import ComponentRef
from gantrans.plugin.hookspecs import hookimpl

api_version = 1


@hookimpl
def gantrans_components() -> list[ComponentRef]:
    """UVCGAN's generator and its gradient penalty."""
    return [
        ComponentRef(
            "generator",
            "vit_unet",
            "gantrans_uvcgan.vit_unet:ViTUNet",
            "UVCGAN's U-Net around a vision transformer",
        ),
        ComponentRef(
            "loss",
            "uvcgan_penalty",
            "gantrans_uvcgan.penalty:UVCGANPenalty",
            "hold the discriminators' slope near a target",
        ),
    ]
