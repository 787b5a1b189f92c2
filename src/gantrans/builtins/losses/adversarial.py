"""The adversarial loss (Goodfellow et al. 2014), in three forms."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from gantrans.api.discriminator import Scores
from gantrans.api.loss import Loss, LossConfig
from gantrans.api.step import ENDS, TranslationStep

Objective = Literal["lsgan", "vanilla", "hinge"]


class Adversarial(Loss):
    """Translated images shall look like the other domain; the discriminators shall tell.

    lsgan (Mao et al. 2017): squared distance of each score to 1 (real) or 0 (fake).
    vanilla: binary cross-entropy of the score as a logit, non-saturating for the generator.
    hinge (Lim & Ye 2017): max(0, 1 - D(real)), max(0, 1 + D(fake)), and -D(fake).
    """

    name = "adversarial"
    requires = {"fake"}

    class Config(LossConfig):
        """Settings."""

        objective: Objective = Field("lsgan", description="how scores are compared")

    config: Config

    def generator(self, step: TranslationStep) -> Mapping[str, Tensor]:
        """How far each translation is from passing for an image of its domain."""
        return {
            direction: over_scales(self._persuade, *step.score(target, step.fake[target]))
            for direction, (_, target) in ENDS.items()
            if target in step.fake
        }

    def discriminator(self, step: TranslationStep) -> Mapping[str, Tensor]:
        """Half the sum of the errors on real and on translated images, for each domain."""
        terms: dict[str, Tensor] = {}
        for domain, fake in step.fake.items():
            on_real, on_fake = step.score(domain, step.real[domain], fake)
            terms[domain] = 0.5 * (
                over_scales(self._is_real, on_real) + over_scales(self._is_fake, on_fake)
            )
        return terms

    def _persuade(self, scores: Tensor) -> Tensor:
        return -scores.mean() if self.config.objective == "hinge" else self._is_real(scores)

    def _is_real(self, scores: Tensor) -> Tensor:
        match self.config.objective:
            case "lsgan":
                return (scores - 1).square().mean()
            case "vanilla":
                return F.softplus(-scores).mean()  # -log sigmoid(score)
            case "hinge":
                return F.relu(1 - scores).mean()

    def _is_fake(self, scores: Tensor) -> Tensor:
        match self.config.objective:
            case "lsgan":
                return scores.square().mean()
            case "vanilla":
                return F.softplus(scores).mean()  # -log(1 - sigmoid(score))
            case "hinge":
                return F.relu(1 + scores).mean()


def over_scales(error: Callable[[Tensor], Tensor], scores: Scores) -> Tensor:
    """The mean error over the score maps of a discriminator with several scales."""
    maps = [scores] if isinstance(scores, Tensor) else list(scores)
    return torch.stack([error(one) for one in maps]).mean()
