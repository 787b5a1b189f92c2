"""LPIPS (Zhang et al. 2018) as a loss."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field
from torch import Tensor

from gantrans.api.comparison import Comparison, compared, reads
from gantrans.api.loss import Loss, LossConfig
from gantrans.api.step import TranslationStep
from gantrans_perceptual.distance import LPIPS, LPIPSSettings


class LPIPSLoss(Loss):
    """Images shall look alike to a network: the LPIPS distance of what is compared."""

    name = "lpips"

    class Config(LPIPSSettings, LossConfig):
        """Settings."""

        compare: Comparison = Field("cycle", description="which images are compared")

        @property
        def requires(self) -> frozenset[str]:
            """The images to compare."""
            return reads(self.compare)

    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.distance = LPIPS(config)

    def generator(self, step: TranslationStep) -> Mapping[str, Tensor]:
        """The mean distance, for each domain that the made images look like."""
        return {
            domain: self.distance(made, wanted).mean()
            for domain, (made, wanted) in compared(step, self.config.compare).items()
        }
