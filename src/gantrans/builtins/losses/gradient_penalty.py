"""The gradient penalty of WGAN-GP (Gulrajani et al. 2017, equation 3)."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field
from torch import Tensor

from gantrans.api.input_gradient import input_gradient, somewhere_between
from gantrans.api.loss import Loss, LossConfig
from gantrans.api.step import TranslationStep


class GradientPenalty(Loss):
    """The discriminator's slope between real and translated images shall be 1: (|grad D(x)| - 1)^2.

    With u uniform in [0, 1], drawn for each image, x = u real + (1 - u) fake; |.| is the Euclidean
    norm over all pixels and channels, D(x) the mean of the image's scores. Made for the objective
    "wgan"; discriminators with batch norm do not go with it (section 4).
    """

    name = "gradient_penalty"
    requires = {"fake"}
    same_size = True

    class Config(LossConfig):
        """Settings."""

        weight: float = Field(10.0, ge=0, description="factor of the loss in the objective")
        target: float = Field(
            1.0, ge=0, description="the slope that costs nothing: score for each unit of distance"
        )

    config: Config

    def discriminator(self, step: TranslationStep) -> Mapping[str, Tensor]:
        """The penalty, for each domain.

        Raises:
            DataError: if real and translated images differ in size, so that none lies between.
        """
        terms: dict[str, Tensor] = {}
        for domain, fake in step.fake.items():
            between = somewhere_between(step.real[domain], fake)
            slope = input_gradient(step, domain, between).flatten(1).norm(dim=1)
            terms[domain] = (slope - self.config.target).square().mean()
        return terms
