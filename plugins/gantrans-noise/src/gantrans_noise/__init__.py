"""Images from noise for gantrans: StyleGAN2 (Karras et al. 2020, "Analyzing and improving the image
quality of StyleGAN"), small but whole.

    mapping.py          from a normal z to a style w
    modulated_conv.py   convolutions that a style scales
    generator.py        the generator of both
    style_mixing.py     two z for one image
    discriminator.py    the discriminator `residual`
    unconditional.py    the method `unconditional`, which trains them
    latents.py          z and noise that are the same again
    sampler.py          a trained generator, and how to load it
    cli.py              `gantrans-noise`

Importing it imports no torch: `load` and `Sampler` are loaded when first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gantrans_noise.sampler import Sampler as Sampler
    from gantrans_noise.sampler import load as load

__all__ = ["Sampler", "load"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from gantrans_noise import sampler

    return getattr(sampler, name)
