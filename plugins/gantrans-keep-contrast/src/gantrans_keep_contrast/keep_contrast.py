"""A loss that compares the contrasts of two images."""

from __future__ import annotations

from collections.abc import Mapping

import gantrans
from pydantic import Field
from torch import Tensor


class KeepContrastLoss(gantrans.Loss):
    """A translation has the contrast of the image that it was made from."""

    name = "keep_contrast"
    requires = frozenset({"fake", "source"})

    class Config(gantrans.LossConfig):
        """Settings."""

        share: float = Field(1.0, ge=0, description="share of the contrast to be kept")

    config: Config

    def generator(self, step: gantrans.TranslationStep) -> Mapping[str, Tensor]:
        """How far the contrasts are apart, for each domain that is translated to."""
        return {
            domain: self.distance(fake, step.source[domain])
            for domain, fake in step.fake.items()
        }

    def distance(self, fake: Tensor, source: Tensor) -> Tensor:
        """Two (N, C, H, W) -> the mean of |contrast of fake - share * that of source|."""
        wanted = self.config.share * contrast(source)
        return (contrast(fake) - wanted).abs().mean()


def contrast(images: Tensor) -> Tensor:
    """(N, C, H, W) -> (N,): the standard deviation of brightness over each image."""
    brightness = images.mean(dim=1)
    return brightness.std(dim=(1, 2), correction=0)
