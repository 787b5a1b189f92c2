"""Structural similarity (Wang et al. 2004)."""

from __future__ import annotations

from torch import Tensor

from gantrans.api.image_metric import ImageMetric
from gantrans.api.metric import Translated
from gantrans.builtins.structural_similarity import structural_similarity


class SSIM(ImageMetric):
    """Structural similarity to the truth, from -1 to 1 (equal): the mean over windows and images.

    The paper's 11 x 11 Gaussian window (sigma 1.5), K1 = 0.01, K2 = 0.03, images in [0, 1], each
    channel apart, only windows that lie inside the image; in float64.
    """

    name = "ssim"
    needs_truth = True

    def values(self, images: Translated) -> Tensor:
        """Indices (N,)."""
        assert images.truth is not None
        # On the CPU, since not every device knows float64.
        fake, truth = (((x.cpu() + 1) / 2).double() for x in (images.fake, images.truth))
        return structural_similarity(fake, truth)
