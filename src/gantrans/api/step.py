"""TranslationStep: what a loss may read of one training step."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, TypeVar

import torch
from torch import Tensor

from gantrans.api.discriminator import Discriminator, Scores
from gantrans.api.network import judge
from gantrans.errors import PluginError

Domain = Literal["a", "b"]
DOMAINS: tuple[Domain, Domain] = ("a", "b")
Direction = Literal["ab", "ba"]
ENDS: dict[Direction, tuple[Domain, Domain]] = {"ab": ("a", "b"), "ba": ("b", "a")}
"""Where a direction begins and where it ends."""

Images = Mapping[Domain, Tensor]
"""Images by domain, each (N, C, H, W) in [-1, 1]."""

Features = Mapping[str, Tensor]
"""What a generator's encoder sees in images: (N, c, h, w) for each of its layers, by name."""

FeaturePairs = Mapping[Domain, tuple[Features, Features]]
"""Features of what was made and of what it was made from, by the domain that the made images look
like. Both have the same shapes, and the same place in them is the same place in the images. Only
the former have a gradient."""

T = TypeVar("T")


@dataclass(frozen=True)
class TranslationStep:
    """The images of one step, keyed by the domain they look like, and the discriminators.

    `fake["b"]` is G_ab(real["a"]), `cycle["a"]` is G_ba(fake["b"]), `identity["b"]` is
    G_ab(real["b"]). On the discriminator's side there are `real` and `fake` only, and `fake` holds
    what the image pool gave, detached. A loss reads `real` and what its `requires` names; anything
    else raises PluginError.

    Args:
        passes: the images, by the name of what they are: "real", "fake", "cycle", ...
        discriminators: the judge of each domain that has one.
        conditions: for a conditional discriminator, the images (N, C', H, W) that it sees beside
            those it judges: in pix2pix, what these are translations of.
        pairs: features, by name: "features", "identity_features".
        precision: what the networks that a loss asks are computed in under autocast; None: float32.
        reader: the loss that reads the step.
        readable: what it may read; None: everything.
    """

    passes: Mapping[str, Images]
    discriminators: Mapping[Domain, Discriminator]
    conditions: Images = field(default_factory=dict)
    pairs: Mapping[str, FeaturePairs] = field(default_factory=dict)
    precision: torch.dtype | None = None
    reader: str = ""
    readable: Collection[str] | None = None

    def seen_by(self, reader: str, requires: Collection[str]) -> TranslationStep:
        """The same step, readable only as far as `requires` names it."""
        return replace(self, reader=reader, readable=requires)

    @property
    def real(self) -> Images:
        """The batch as it came from the data."""
        return self.passes["real"]

    @property
    def fake(self) -> Images:
        """Translated images: `fake["b"]` = G_ab(real["a"])."""
        return self._read("fake")

    @property
    def cycle(self) -> Images:
        """There and back: `cycle["a"]` = G_ba(G_ab(real["a"]))."""
        return self._read("cycle")

    @property
    def identity(self) -> Images:
        """Images of the target domain itself: `identity["b"]` = G_ab(real["b"])."""
        return self._read("identity")

    @property
    def source(self) -> Images:
        """What was translated: `fake["b"]` was made from `source["b"]` = real["a"].

        For losses that compare the two; it needs as many channels in one domain as in the other.
        """
        return self._read("source")

    @property
    def truth(self) -> Images:
        """What `fake` should look like, where the training data is paired: `truth["b"]`."""
        return self._read("truth")

    @property
    def features(self) -> FeaturePairs:
        """What the encoder sees in `fake`, and in the images it was made from (see FeaturePairs).

        At the layers that the losses' `encoder_layers` name, those of all losses together.
        """
        return self._features("features")

    @property
    def identity_features(self) -> FeaturePairs:
        """The same of `identity`: `identity_features["b"]` compares G_ab(real["b"]) with it."""
        return self._features("identity_features")

    def score(self, domain: Domain, *images: Tensor) -> tuple[Scores, ...]:
        """The discriminator of `domain` on each of `images` (N, C, H, W), in one pass if it may.

        A conditional one sees the condition's channels first, then the image's.
        """
        if domain in self.conditions:
            condition = self.conditions[domain]
            images = tuple(torch.cat([condition, x], dim=1) for x in images)
        kind, precise = images[0].device.type, self.precision is None
        with torch.autocast(kind, self.precision, enabled=not precise):
            return tuple(judge(self.discriminators[domain], images))

    def _read(self, name: str) -> Images:
        return self._given(name, self.passes)

    def _features(self, name: str) -> FeaturePairs:
        return self._given(name, self.pairs)

    def _given(self, name: str, here: Mapping[str, T]) -> T:
        if self.readable is not None and name not in self.readable:
            raise PluginError(
                f"the loss {self.reader!r} reads step.{name} without naming it: "
                f"add {name!r} to its `requires`"
            )
        if name not in here:
            raise PluginError(
                f"the loss {self.reader!r} reads step.{name}, which this side has not (it has "
                f"{', '.join(sorted({*self.passes, *self.pairs}))})"
            )
        return here[name]
