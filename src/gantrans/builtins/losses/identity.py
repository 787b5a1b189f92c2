"""The identity loss (Taigman et al. 2017; Zhu et al. 2017, section 5.2)."""

from __future__ import annotations

from collections.abc import Mapping

import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from gantrans.api.loss import Loss, LossConfig
from gantrans.api.step import TranslationStep


class Identity(Loss):
    """Leave the target domain's images alone: mean |G_ab(b) - b|. Keeps colours in place."""

    name = "identity"
    requires = {"identity"}

    class Config(LossConfig):
        """Settings."""

        weight: float = Field(5.0, ge=0, description="factor of the loss in the objective")

    config: Config

    def generator(self, step: TranslationStep) -> Mapping[str, Tensor]:
        """The L1 distance, for each domain."""
        return {
            domain: F.l1_loss(same, step.real[domain]) for domain, same in step.identity.items()
        }
