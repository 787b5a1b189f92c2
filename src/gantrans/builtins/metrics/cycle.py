"""Round-trip error."""

from __future__ import annotations

from torch import Tensor

from gantrans.api.image_metric import ImageMetric
from gantrans.api.metric import Translated
from gantrans.builtins.levels_apart import levels_apart


class Cycle(ImageMetric):
    """Mean absolute difference of an image to its way there and back, in levels of 8 bits.

    0 (the same image comes back) to 255. It says that nothing got lost, not that anything was
    translated: the unchanged input comes back exactly.
    """

    name = "cycle"
    needs_cycle = True
    higher_is_better = False
    least = 0.0
    unit = "levels"

    def values(self, images: Translated) -> Tensor:
        """Levels (N,)."""
        assert images.cycle is not None
        return levels_apart(images.cycle, images.source)
