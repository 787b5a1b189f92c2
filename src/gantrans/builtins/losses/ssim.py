"""Structural similarity as a loss (Wang et al. 2004; Zhao et al. 2017, section 3.2)."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field
from torch import Tensor

from gantrans.api.comparison import Comparison, compared, reads
from gantrans.api.loss import Loss, LossConfig
from gantrans.api.step import TranslationStep
from gantrans.builtins.structural_similarity import structural_similarity


class SSIM(Loss):
    """Two images share their structure, window by window: 1 - SSIM, from 0 (equal) to 2.

    SSIM as the metric of that name measures it, in float32.
    """

    name = "ssim"

    class Config(LossConfig):
        """Settings."""

        compare: Comparison = Field("cycle", description="which images are compared")

        @property
        def requires(self) -> frozenset[str]:
            """What `compare` reads."""
            return reads(self.compare)

    config: Config

    def generator(self, step: TranslationStep) -> Mapping[str, Tensor]:
        """1 - SSIM, for each domain that the compared images look like."""
        pairs = compared(step, self.config.compare)
        return {domain: _dissimilarity(made, wanted) for domain, (made, wanted) in pairs.items()}


def _dissimilarity(made: Tensor, wanted: Tensor) -> Tensor:
    return 1 - structural_similarity((made + 1) / 2, (wanted + 1) / 2).mean()
