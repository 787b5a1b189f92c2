"""The gradient penalty of UVCGAN (Torbunov et al. 2023), after WGAN-GP (Gulrajani et al. 2017)."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field
from torch import Tensor

from gantrans.api.input_gradient import input_gradient, somewhere_between
from gantrans.api.loss import Loss, LossConfig
from gantrans.api.step import TranslationStep


class UVCGANPenalty(Loss):
    """Hold the slope of the discriminators near a target: mean (|grad D(x)| - gamma)^2 / gamma^2.

    x lies at a random place between a real and a translated image, D(x) is the sum of all scores
    of an image, and |.| is the Euclidean norm over its pixels and channels. The paper's section on
    the discriminator's loss has gamma = 100 and the weight 0.1, for images in [0, 1]. Those here
    span twice as much, so that the same slope is gamma = 50.
    """

    name = "uvcgan_penalty"
    requires = {"fake"}
    same_size = True

    class Config(LossConfig):
        """Settings."""

        weight: float = Field(0.1, ge=0, description="factor of the loss in the objective")
        gamma: float = Field(
            50.0,
            gt=0,
            description="target of the gradient's norm, in scores per unit of pixel value in "
            "[-1, 1]: half of the paper's 100, whose pixels are in [0, 1]",
        )

    config: Config

    def discriminator(self, step: TranslationStep) -> Mapping[str, Tensor]:
        """The penalty of each domain's discriminator.

        Raises:
            DataError: if real and translated images differ in size, so that none lies between.
        """
        gamma = self.config.gamma
        terms: dict[str, Tensor] = {}
        for domain, fake in step.fake.items():
            between = somewhere_between(step.real[domain], fake)
            gradient = input_gradient(step, domain, between, score="sum")
            slope = gradient.flatten(1).norm(dim=1)
            terms[domain] = ((slope - gamma) / gamma).square().mean()
        return terms
