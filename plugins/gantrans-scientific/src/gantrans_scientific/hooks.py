"""What this plugin brings. Imports no torch."""

from __future__ import annotations

from gantrans import ComponentRef, hookimpl

api_version = 1


@hookimpl
def gantrans_components() -> list[ComponentRef]:
    """One dataset."""
    return [
        ComponentRef(
            "dataset",
            "scientific",
            "gantrans_scientific.dataset:Scientific",
            "TIFF and NumPy files of any depth and channels",
        )
    ]
