"""What methods that translate one way share: their two networks, and how the judge learns."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from torch import nn

from gantrans.api.discriminator import Discriminator
from gantrans.api.generator import Generator
from gantrans.api.method import Batch, LossSet, Parts, Phase, PhaseResult
from gantrans.api.step import ENDS, Direction, Domain, TranslationStep

Way = Annotated[
    Direction,
    Field(description="ab: from the first domain to the second; ba: the other way"),
]


def one_of_each(
    parts: Parts, way: Direction, *, conditional: bool = False
) -> tuple[Generator, Discriminator, dict[str, nn.Module]]:
    """The generator of a direction, the discriminator of where it ends, and both by their names.

    A conditional discriminator sees what was translated, too.
    """
    source, target = ENDS[way]
    g = parts.make_generator(f"generator_{way}", source, target)
    judge = f"discriminator_{target}"
    d = parts.make_discriminator(judge, target, given=source if conditional else None)
    return g, d, {f"generator_{way}": g, judge: d}


class DiscriminatorPhase(Phase):
    """The discriminator on real images of its domain, and on this step's translations.

    Args:
        network: the discriminator.
        domain: which it judges.
        losses: the run's.
        given: of a conditional one, the domain whose images it sees beside those.
    """

    def __init__(
        self,
        network: Discriminator,
        domain: Domain,
        losses: LossSet,
        given: Domain | None = None,
    ) -> None:
        super().__init__("discriminator", {f"discriminator_{domain}": network})
        self.network, self.domain, self.given = network, domain, given
        self.losses = losses

    def forward(self, batch: Batch) -> PhaseResult:
        """The discriminator's terms."""
        step = TranslationStep(
            {"real": batch.real, "fake": batch.fake},
            {self.domain: self.network},
            conditions={self.domain: batch.real[self.given]} if self.given else {},
        )
        return PhaseResult(self.losses.terms("discriminator", step, batch.active))
