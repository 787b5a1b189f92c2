"""What this package brings. Imports no torch: `gantrans --help` loads it, too."""

from __future__ import annotations

from gantrans import ComponentRef, hookimpl

api_version = 1
"""The version of gantrans' plugin interface that this package is written for."""


@hookimpl
def gantrans_components() -> list[ComponentRef]:
    """The components, by kind and name, and where their classes are."""
    return [
        ComponentRef(
            "loss",
            "keep_contrast",
            "gantrans_keep_contrast.keep_contrast:KeepContrastLoss",
            "A translation has the contrast of the image that it was made from.",
        ),
    ]
