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
            "huggingface",
            "gantrans_hf.dataset:HuggingFace",
            "Hugging Face datasets, local or from the hub",
        )
    ]
