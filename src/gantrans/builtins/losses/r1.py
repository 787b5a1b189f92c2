"""The R1 regulariser (Mescheder et al. 2018, equation 9)."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field
from torch import Tensor

from gantrans.api.input_gradient import input_gradient
from gantrans.api.loss import Loss, LossConfig
from gantrans.api.step import TranslationStep


class R1(Loss):
    """The discriminators shall be flat at real images: |grad D(real)|^2 / 2.

    |.| is the Euclidean norm over all pixels and channels, D(x) the mean of the image's scores;
    `weight` is the paper's gamma. With `every = 16` it costs little and does the same (lazy
    regularisation: Karras et al. 2020, section 3.1).
    """

    name = "r1"

    class Config(LossConfig):
        """Settings."""

        weight: float = Field(10.0, ge=0, description="factor of the loss; the paper's gamma")

    config: Config

    def discriminator(self, step: TranslationStep) -> Mapping[str, Tensor]:
        """Half the squared norm of the gradient, for each domain."""
        return {
            domain: input_gradient(step, domain, step.real[domain]).square().sum((1, 2, 3)).mean()
            / 2
            for domain in step.discriminators
        }
