"""What this package brings. Imports no torch."""

from __future__ import annotations

from gantrans.api.component import ComponentRef
from gantrans.plugin.hookspecs import hookimpl

api_version = 1


@hookimpl
def gantrans_components() -> list[ComponentRef]:
    """A method that makes images from noise, and the discriminator that belongs to it."""
    return [
        ComponentRef(
            "method",
            "unconditional",
            "gantrans_noise.unconditional:Unconditional",
            "images of one domain from noise, with a style-based generator",
        ),
        ComponentRef(
            "discriminator",
            "residual",
            "gantrans_noise.discriminator:Residual",
            "StyleGAN2's: residual blocks, one score an image",
        ),
    ]
