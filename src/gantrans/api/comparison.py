"""Which images a loss compares: the choice that losses of likeness (SSIM, features) leave to users.

A loss with such a choice has a field of type `Comparison`, and its Config says what that reads:

    class Config(LossConfig):
        compare: Comparison = Field("cycle", description="which images are compared")

        @property
        def requires(self) -> frozenset[str]:
            return reads(self.compare)
"""

from __future__ import annotations

from typing import Literal

from torch import Tensor

from gantrans.api.step import DOMAINS, Domain, TranslationStep

Comparison = Literal["cycle", "identity", "source", "truth"]
"""cycle: an image with its way there and back. identity: an image with what the generator of its
own domain makes of it. source: a translation with the image it was made from. truth: a translation
with what it should be, which paired data knows."""


def reads(comparison: Comparison) -> frozenset[str]:
    """What a loss that makes this comparison requires of the step."""
    return frozenset({comparison} if comparison in ("cycle", "identity") else {"fake", comparison})


def compared(step: TranslationStep, comparison: Comparison) -> dict[Domain, tuple[Tensor, Tensor]]:
    """(made, wanted) for each domain that the made image looks like; each (N, C, H, W)."""
    match comparison:
        case "cycle":
            made, wanted = step.cycle, step.real
        case "identity":
            made, wanted = step.identity, step.real
        case "source":
            made, wanted = step.fake, step.source
        case "truth":
            made, wanted = step.fake, step.truth
    return {domain: (made[domain], wanted[domain]) for domain in DOMAINS if domain in made}
