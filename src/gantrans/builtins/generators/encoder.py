"""Which features of a generator's encoder are asked for (PatchNCE: Park et al. 2020)."""

from __future__ import annotations

from collections.abc import Collection

from gantrans.api.generator import Generator


def asked_of(generator: Generator, layers: Collection[str]) -> list[str]:
    """The names in `layers`, each once, from the image on.

    Raises ValueError, with the names there are, if the generator has no such layer.
    """
    known = generator.encoder_layers()
    unknown = [name for name in dict.fromkeys(layers) if name not in known]
    if unknown:
        raise ValueError(
            f"the encoder of {generator.name!r} has no layer {', '.join(map(repr, unknown))} "
            f"(there are: {', '.join(known)})"
        )
    return [name for name in known if name in layers]
