"""Cycle consistency (Zhu et al. 2017, equation 2)."""

from __future__ import annotations

from collections.abc import Mapping

import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from gantrans.api.loss import Loss, LossConfig
from gantrans.api.step import TranslationStep


class Cycle(Loss):
    """There and back gives the same image: mean |G_ba(G_ab(a)) - a|, and the other way round."""

    name = "cycle"
    requires = {"cycle"}

    class Config(LossConfig):
        """Settings."""

        weight: float = Field(10.0, ge=0, description="factor of the loss in the objective")

    config: Config

    def generator(self, step: TranslationStep) -> Mapping[str, Tensor]:
        """The L1 distance, for each domain that is left and come back to."""
        return {domain: F.l1_loss(back, step.real[domain]) for domain, back in step.cycle.items()}
