"""What methods that translate one way share: how their one discriminator learns."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gantrans.api.discriminator import Discriminator
from gantrans.api.method import Batch, LossSet, Phase, PhaseResult
from gantrans.api.step import Direction, Domain, TranslationStep

Way = Annotated[
    Direction,
    Field(description="ab: from the first domain to the second; ba: the other way"),
]


class DiscriminatorPhase(Phase):
    """The discriminator on real images of its domain, and on this step's translations.

    Args:
        name: what the network is called in the method.
        network: the discriminator.
        domain: which it judges.
        losses: the run's.
        given: of a conditional one, the domain whose images it sees beside those.
    """

    def __init__(
        self,
        name: str,
        network: Discriminator,
        domain: Domain,
        losses: LossSet,
        given: Domain | None = None,
    ) -> None:
        super().__init__("discriminator", {name: network})
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
