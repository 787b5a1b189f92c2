"""What this package brings to gantrans. Does not import wandb."""

from __future__ import annotations

from gantrans import ComponentRef, hookimpl

api_version = 1


@hookimpl
def gantrans_components() -> list[ComponentRef]:
    """One tracker."""
    target = "gantrans_wandb.weights_and_biases:WeightsAndBiases"
    return [ComponentRef("tracker", "wandb", target, "Weights & Biases, on disk or online")]
