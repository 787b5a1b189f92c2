"""What this package brings to gantrans. Imports neither torch nor tensorboard."""

from __future__ import annotations

from gantrans import ComponentRef, hookimpl

api_version = 1


@hookimpl
def gantrans_components() -> list[ComponentRef]:
    """One tracker."""
    target = "gantrans_tensorboard.tensorboard:TensorBoard"
    return [ComponentRef("tracker", "tensorboard", target, "event files for TensorBoard")]
