"""Total variation (Rudin et al. 1992), with an exponent (Mahendran & Vedaldi 2015, section 3)."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field
from torch import Tensor

from gantrans.api.loss import Loss, LossConfig
from gantrans.api.step import TranslationStep


class TotalVariation(Loss):
    """Neighbouring pixels of a translation differ little: mean |dx|^beta + mean |dy|^beta.

    dx and dy are the differences to the neighbours to the right and below; across and down are
    counted apart (the anisotropic form).
    """

    name = "total_variation"
    requires = {"fake"}

    class Config(LossConfig):
        """Settings."""

        beta: float = Field(
            1.0, ge=1, description="exponent of the differences: 1 keeps edges, 2 blurs them"
        )

    config: Config

    def generator(self, step: TranslationStep) -> Mapping[str, Tensor]:
        """The variation of the translations to each domain."""
        return {domain: self._variation(fake) for domain, fake in step.fake.items()}

    def _variation(self, x: Tensor) -> Tensor:
        across, down = x.diff(dim=3).abs(), x.diff(dim=2).abs()
        return across.pow(self.config.beta).mean() + down.pow(self.config.beta).mean()
