"""The L1 distance to the truth (Isola et al. 2017, equation 3)."""

from __future__ import annotations

from collections.abc import Mapping

import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from gantrans.api.loss import Loss, LossConfig
from gantrans.api.step import TranslationStep


class L1(Loss):
    """A translation is what the paired data says it should be: mean |G_ab(a) - b|."""

    name = "l1"
    requires = {"fake", "truth"}

    class Config(LossConfig):
        """Settings."""

        weight: float = Field(100.0, ge=0, description="factor of the loss in the objective")

    config: Config

    def generator(self, step: TranslationStep) -> Mapping[str, Tensor]:
        """The L1 distance, for each domain that is translated to."""
        return {domain: F.l1_loss(fake, step.truth[domain]) for domain, fake in step.fake.items()}
