"""Mean absolute difference to the truth."""

from __future__ import annotations

from torch import Tensor

from gantrans.api.image_metric import ImageMetric
from gantrans.api.metric import Translated
from gantrans.builtins.levels_apart import levels_apart


class L1(ImageMetric):
    """Mean absolute difference to the truth, in levels of 8 bits: 0 (equal) to 255."""

    name = "l1"
    needs_truth = True
    higher_is_better = False
    least = 0.0
    unit = "levels"

    def values(self, images: Translated) -> Tensor:
        """Levels (N,)."""
        assert images.truth is not None
        return levels_apart(images.fake, images.truth)
