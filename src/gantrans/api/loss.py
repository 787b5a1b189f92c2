"""Loss: one named term of the objective, or several."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field
from torch import Tensor, nn

from gantrans.api.component import Component, ComponentConfig
from gantrans.api.slot import Slot
from gantrans.api.step import TranslationStep

LossTerms = Tensor | Mapping[str, Tensor]
"""A scalar, or a scalar a direction ("ab", "ba") or a domain ("a", "b"): means over the batch."""


class LossConfig(ComponentConfig):
    """Settings that every loss has: how much it counts, and when."""

    weight: float = Field(1.0, ge=0, description="factor of the loss in the objective")
    every: int = Field(
        1, ge=1, description="apply it each n-th step only, scaled by n (lazy regularisation)"
    )
    start: int = Field(0, ge=0, description="first step at which it is applied")
    ramp: int = Field(0, ge=0, description="steps over which the weight then rises linearly from 0")

    @property
    def requires(self) -> frozenset[str]:
        """What a loss with these settings reads: its class's `requires`.

        A loss whose settings choose what it reads overrides this (see gantrans.api.comparison).
        """
        return frozenset(self.component.requires)

    @property
    def encoder_layers(self) -> tuple[str, ...]:
        """Of a loss that reads `features`: at which layers of the generator; none by default."""
        return ()

    def weight_at(self, step: int) -> float:
        """The factor at `step` (counted from 0); 0 means that the loss is not computed at all."""
        since = step - self.start
        if since < 0 or since % self.every:
            return 0.0
        rise = min(1.0, (since + 1) / self.ramp) if self.ramp else 1.0
        return self.weight * self.every * rise


class Loss(Component, nn.Module):
    """A term of the generators' objective, of the discriminators', or of both.

    Override `generator`, `discriminator` or both; what is not overridden is not called. Return
    unweighted values: the trainer applies `config.weight_at(step)` to them. Parameters of its own
    are neither trained nor saved, unless it is `trainable`.
    """

    kind = "loss"
    Config: ClassVar[type[ComponentConfig]] = LossConfig

    requires: ClassVar[frozenset[str] | set[str]] = frozenset()
    """What it reads of the step beside `real`: "fake", "cycle", "identity", "source", "truth",
    "features", "identity_features" (see TranslationStep). The union over the active losses decides
    which passes run at all. Where a setting chooses what is read, `Config.requires` is overridden
    instead, and counts."""

    same_size: ClassVar[bool] = False
    """True: it mixes images of both domains pixel by pixel, which must then have one size."""

    trainable: ClassVar[bool] = False
    """True: its parameters minimise the objective too, by an optimizer of their own that steps once
    a training step; they start from the spec's `[init]`, and are saved and resumed with the run."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if not isinstance(cls.requires, frozenset | set):
            raise TypeError(
                f"{cls.__name__}.requires = {cls.requires!r}: write a set, as {{'fake'}}"
            )
        if "real" in cls.requires:
            raise TypeError(f"{cls.__name__}.requires: leave out 'real', which is always there")

    def __init__(self, config: Any) -> None:
        nn.Module.__init__(self)
        self.config = config

    def fit_to(self, features: Mapping[str, tuple[int, int, int]]) -> None:
        """Make the parameters whose shapes depend on the generator's features.

        Called before the first step, of a loss whose config names `encoder_layers`.

        Args:
            features: channels, height and width of the features at each of these layers, for
                the training images.

        Raises:
            ValueError: if the loss cannot work on them, with a message for the spec's author.
        """

    def generator(self, step: TranslationStep) -> LossTerms:
        """What the generators minimise."""
        return {}

    def discriminator(self, step: TranslationStep) -> LossTerms:
        """What the discriminators minimise; of the step it reads `real` and `fake`."""
        return {}

    def chance(self) -> float | None:
        """What `discriminator` gives, for each domain, where all images get the same best score.

        It is what guessing costs, and tells of a discriminator's loss whether that is much. None:
        there is no such number.
        """
        return None

    @classmethod
    def sides(cls) -> frozenset[str]:
        """Which of "generator" and "discriminator" the class overrides."""
        return frozenset(
            side
            for side in ("generator", "discriminator")
            if getattr(cls, side) is not getattr(Loss, side)
        )


LossSlot = Annotated[LossConfig, Slot("loss")]
