"""How a loss is tried: on steps of random images, with small discriminators."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from gantrans.api.loss import Loss
from gantrans.api.method import Side
from gantrans.api.step import DOMAINS, Domain, FeaturePairs, Images, TranslationStep
from gantrans.testing.check import CheckFailed, Skipped, need
from gantrans.testing.probe import noise
from gantrans.testing.subject import Subject

TRANSLATED = ("fake", "cycle", "identity")
"""What generators make; `source` and `truth` are images from the data."""

FEATURES = frozenset({"features", "identity_features"})
"""What the encoder of a generator sees."""

CHANNELS, FITTED = 6, 32
"""Of these features: how many channels, and the smallest height and width."""

SIDES: tuple[Side, Side] = ("generator", "discriminator")


class WatchedImages(Mapping[Domain, Tensor]):
    """Images of a pass that tell `see` each domain that is read."""

    def __init__(self, images: Images, see: Callable[[Domain], None]) -> None:
        self._images, self._see = images, see

    def __getitem__(self, domain: Domain) -> Tensor:
        image = self._images[domain]
        self._see(domain)
        return image

    def __iter__(self) -> Iterator[Domain]:
        return iter(self._images)

    def __len__(self) -> int:
        return len(self._images)


@dataclass(frozen=True)
class WatchedStep(TranslationStep):
    """Notes what is read, and lets everything be read that the side has.

    Args:
        read: names of the passes that were read.
        seen: the passes and domains of images that were read.
    """

    read: set[str] = field(default_factory=set)
    seen: set[tuple[str, Domain]] = field(default_factory=set)

    def _read(self, name: str) -> Images:
        self._note(name, self.passes)
        return WatchedImages(self.passes[name], lambda domain: self.seen.add((name, domain)))

    def _features(self, name: str) -> FeaturePairs:
        self._note(name, self.pairs)
        return self.pairs[name]

    def _note(self, name: str, here: Collection[str]) -> None:
        self.read.add(name)
        if name not in here:
            there = ", ".join(sorted({*self.passes, *self.pairs}))
            raise CheckFailed(
                f"it reads step.{name} on a side that has only {there}: the discriminators' side "
                "works on `real` and `fake`"
            )


@dataclass(frozen=True)
class Trial:
    """One side of a loss, run once.

    Args:
        terms: what it gave, by key; a single scalar has the key "".
        step: what it was given.
        leaves: the tensors that the translated images were made of; they collect the gradient.
        originals: copies of the images, made before.
    """

    terms: dict[str, Any]
    step: WatchedStep
    leaves: Mapping[str, Mapping[Domain, Tensor]]
    originals: Mapping[str, Mapping[Domain, Tensor]]


def step_for(
    subject: Subject, side: Side, *, height: int, channels: int = 3, times: int = 1, seed: int = 0
) -> tuple[WatchedStep, dict[str, dict[Domain, Tensor]]]:
    """A step of two oblong images a domain, `times` over, and the leaves of its translations.

    As in training: the generators' side sees translations with a gradient and frozen
    discriminators, the other side detached ones and discriminators that learn.
    """
    width = height + 8
    drawn: dict[str, dict[Domain, Tensor]] = {
        name: {
            domain: (0.9 * noise(2, channels, height, width, seed=seed + 10 * n + m)).repeat(
                times, 1, 1, 1
            )
            for m, domain in enumerate(DOMAINS)
        }
        for n, name in enumerate(("real", *TRANSLATED))
    }
    real = drawn.pop("real")
    leaves: dict[str, dict[Domain, Tensor]] = {}
    if side == "generator":
        leaves = {
            n: {d: x.requires_grad_() for d, x in images.items()} for n, images in drawn.items()
        }
        # Through a copy, since torch refuses at once what would write into a leaf.
        made = {name: {d: x.clone() for d, x in images.items()} for name, images in leaves.items()}
        source = {"a": real["b"], "b": real["a"]}
        passes: dict[str, Any] = {"real": real, "source": source, "truth": real, **made}
    else:
        passes = {"real": real, "fake": drawn["fake"]}
    torch.manual_seed(2)
    judge = subject.registry.config("discriminator", "patchgan", {"width": 4, "layers": 2})
    judges = {d: judge.build(in_channels=channels) for d in DOMAINS}
    for discriminator in judges.values():
        discriminator.requires_grad_(side == "discriminator")
    pairs: dict[str, FeaturePairs] = {}
    if side == "generator":
        made_of = {"features": ("fake", "source"), "identity_features": ("identity", "real")}
        layers = subject.config.encoder_layers
        pairs = {
            name: {
                domain: (_seen(passes[made][domain], layers), _seen(passes[before][domain], layers))
                for domain in DOMAINS
            }
            for name, (made, before) in made_of.items()
        }
    return WatchedStep(passes, judges, pairs=pairs), leaves


def _seen(images: Tensor, layers: Collection[str]) -> dict[str, Tensor]:
    """What an encoder that mixes colours, and nothing else, would see at each layer."""
    mixes = (noise(CHANNELS, images.shape[1], 1, 1, seed=n) for n in range(len(layers)))
    return {layer: F.conv2d(images, mix) for layer, mix in zip(layers, mixes, strict=True)}


def new_loss(subject: Subject) -> Loss:
    """One that has seen nothing, its own weights frozen."""
    torch.manual_seed(0)
    return fitted(subject.build()).requires_grad_(False)


def fitted(loss: Loss) -> Loss:
    """The loss as the first step finds it: fitted to the features of `step_for`."""
    if layers := loss.config.encoder_layers:
        loss.fit_to(dict.fromkeys(layers, (CHANNELS, FITTED, FITTED)))
    return loss


def loss_of(subject: Subject) -> Loss:
    """The loss of all checks, made once."""
    return subject.once("loss", lambda: new_loss(subject))


def terms_of(loss: Loss, side: Side, step: TranslationStep, seed: int = 3) -> dict[str, Any]:
    """What a side gives after torch was seeded, by key."""
    torch.manual_seed(seed)
    given = getattr(loss, side)(step)
    return dict(given) if isinstance(given, Mapping) else {"": given}


def side_of(subject: Subject, side: Side) -> Loss:
    """The loss. Raises Skipped if it does not have the side."""
    loss = loss_of(subject)
    if side not in loss.sides():
        raise Skipped(f"it has no {side} side")
    return loss


def height_for(subject: Subject) -> int:
    """The smallest image height that the loss takes; it has no way to say so."""

    def attempt(height: int) -> None:
        loss = loss_of(subject)
        for side in sides(subject):
            terms_of(loss, side, step_for(subject, side, height=height)[0])

    return subject.smallest_side(attempt)


def tried(subject: Subject, side: Side) -> Trial:
    """One side, run once for all checks that look at what it did."""
    loss = side_of(subject, side)

    def make() -> Trial:
        step, leaves = step_for(subject, side, height=height_for(subject))
        originals = {
            name: {d: x.detach().clone() for d, x in images.items()}
            for name, images in step.passes.items()
        }
        return Trial(terms_of(loss, side, step), step, leaves, originals)

    return subject.once(f"tried {side}", make)


def sides(subject: Subject) -> list[Side]:
    """The sides that the loss has."""
    return [side for side in SIDES if side in loss_of(subject).sides()]


def scalars(terms: Mapping[str, Any]) -> list[Tensor]:
    """Those of the terms that are what terms should be."""
    return [term for term in terms.values() if isinstance(term, Tensor) and term.dim() == 0]


def summed(terms: Mapping[str, Any], advice: str) -> Tensor:
    """The sum of the terms with a gradient. Raises CheckFailed with the advice if none has."""
    usable = [term for term in scalars(terms) if term.requires_grad]
    need(bool(usable), advice)
    return torch.stack([term.float() for term in usable]).sum()


def number(term: Any) -> float:
    """The value of a term; NaN of what is none, which another check is for."""
    return float(term.detach()) if isinstance(term, Tensor) and term.dim() == 0 else math.nan
