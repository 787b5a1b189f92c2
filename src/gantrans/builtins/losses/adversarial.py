"""The adversarial loss (Goodfellow et al. 2014), in four forms."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from gantrans.api.discriminator import Scores, score_maps
from gantrans.api.loss import Loss, LossConfig
from gantrans.api.step import ENDS, TranslationStep

Objective = Literal["lsgan", "vanilla", "hinge", "wgan"]


class _Form(NamedTuple):
    """What a score s costs; the discriminator pays `share` times the sum of its two errors.

    With one score for all images it pays `chance` at least.
    """

    real: Callable[[Tensor], Tensor]
    fake: Callable[[Tensor], Tensor]
    persuade: Callable[[Tensor], Tensor]
    share: float
    chance: float | None


FORMS: dict[Objective, _Form] = {
    "lsgan": _Form(
        real=lambda s: (s - 1).square(),
        fake=lambda s: s.square(),
        persuade=lambda s: (s - 1).square(),
        share=0.5,
        chance=0.25,  # with s = 1/2
    ),
    "vanilla": _Form(
        real=lambda s: F.softplus(-s),  # -log sigmoid(s)
        fake=lambda s: F.softplus(s),  # -log(1 - sigmoid(s))
        persuade=lambda s: F.softplus(-s),
        share=0.5,
        chance=math.log(2),  # with s = 0
    ),
    "hinge": _Form(
        real=lambda s: F.relu(1 - s),
        fake=lambda s: F.relu(1 + s),
        persuade=lambda s: -s,
        share=0.5,
        chance=1.0,  # with any s between -1 and 1
    ),
    "wgan": _Form(
        real=lambda s: -s,
        fake=lambda s: s,
        persuade=lambda s: -s,
        share=1.0,
        chance=None,  # it is 0, and losses below have no bound
    ),
}


class Adversarial(Loss):
    """Translated images shall look like the other domain; the discriminators shall tell.

    lsgan (Mao et al. 2017): squared distance of each score to 1 (real) or 0 (fake).
    vanilla: binary cross-entropy of the score as a logit, non-saturating for the generator.
    hinge (Lim & Ye 2017): max(0, 1 - D(real)), max(0, 1 + D(fake)), and -D(fake).
    wgan (Arjovsky et al. 2017): D(fake) - D(real), and -D(fake); D must be kept from growing, see
    the loss gradient_penalty.

    The discriminator pays half the sum of its two errors, as in CycleGAN; with wgan the whole sum,
    which is then minus the estimated distance of the two distributions.
    """

    name = "adversarial"
    requires = {"fake"}

    class Config(LossConfig):
        """Settings."""

        objective: Objective = Field("lsgan", description="how scores are compared")

    config: Config

    def generator(self, step: TranslationStep) -> Mapping[str, Tensor]:
        """How far each translation is from passing for an image of its domain."""
        form = FORMS[self.config.objective]
        return {
            direction: over_scales(form.persuade, *step.score(target, step.fake[target]))
            for direction, (_, target) in ENDS.items()
            if target in step.fake
        }

    def discriminator(self, step: TranslationStep) -> Mapping[str, Tensor]:
        """The errors on real and on translated images, for each domain."""
        form = FORMS[self.config.objective]
        terms: dict[str, Tensor] = {}
        for domain, fake in step.fake.items():
            on_real, on_fake = step.score(domain, step.real[domain], fake)
            errors = over_scales(form.real, on_real) + over_scales(form.fake, on_fake)
            terms[domain] = form.share * errors
        return terms

    def chance(self) -> float | None:
        """What guessing costs with this objective."""
        return FORMS[self.config.objective].chance


def over_scales(error: Callable[[Tensor], Tensor], scores: Scores) -> Tensor:
    """The mean error over a score map, and over the maps of a discriminator with several scales."""
    return torch.stack([error(one).mean() for one in score_maps(scores)]).mean()
