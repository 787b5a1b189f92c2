"""What this package brings to gantrans. Imports no torch."""

from __future__ import annotations

from gantrans import ComponentRef, hookimpl

api_version = 1


@hookimpl
def gantrans_components() -> list[ComponentRef]:
    """Two losses and a metric."""
    here = "gantrans_perceptual"
    return [
        ComponentRef("loss", "vgg", f"{here}.vgg:VGG", "distance of the features of a VGG"),
        ComponentRef("loss", "lpips", f"{here}.lpips_loss:LPIPSLoss", "LPIPS distance"),
        ComponentRef(
            "metric", "lpips", f"{here}.lpips_metric:LPIPSMetric", "LPIPS distance to the truth"
        ),
    ]
