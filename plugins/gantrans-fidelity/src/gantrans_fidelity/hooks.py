"""What this package brings to gantrans. Imports no torch."""

from __future__ import annotations

from gantrans import ComponentRef, hookimpl

api_version = 1


@hookimpl
def gantrans_components() -> list[ComponentRef]:
    """Two metrics."""
    here = "gantrans_fidelity"
    return [
        ComponentRef("metric", "kid", f"{here}.kid:KID", "kernel distance of Inception features"),
        ComponentRef("metric", "fid", f"{here}.fid:FID", "Frechet distance of Inception features"),
    ]
