"""Method: the networks, the maths and the order of its phases (CycleGAN is one)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, ClassVar, Literal, Protocol

import torch
from torch import Tensor, nn

from gantrans.api.component import Component, ComponentConfig
from gantrans.api.discriminator import Discriminator
from gantrans.api.generator import Generator
from gantrans.api.loss import Loss, LossTerms
from gantrans.api.slot import Slot
from gantrans.api.step import DOMAINS, Direction, Domain, Images, TranslationStep
from gantrans.errors import PluginError

Side = Literal["generator", "discriminator"]


@dataclass(frozen=True)
class Batch:
    """What a phase gets.

    Args:
        real: images of the domains that the method reads, each (N, C, H, W) in [-1, 1]; where
            several ranks train, this one's share (see gantrans.api.ranks).
        ordinal: number of the first image of the whole batch since training began, on all ranks;
            names random draws.
        active: names of the losses that count at this step.
        paired: whether image n of both domains show the same thing, so that `real` is the truth.
        fake: translations made by an earlier phase of the same step, detached.
    """

    real: Images
    ordinal: int
    active: Collection[str]
    paired: bool = False
    fake: Images = field(default_factory=dict)


@dataclass(frozen=True)
class PhaseResult:
    """What a phase gives: terms by loss name, unweighted, and images for the phases after it."""

    terms: Mapping[str, LossTerms]
    fake: Images = field(default_factory=dict)


class Phase(nn.Module):
    """One part of a step: a forward pass that ends in loss terms, and the networks it trains.

    The trainer owns everything else: the optimizer, precision, clipping, the order of calls. While
    a phase runs, all networks but those in `trains` are frozen.

    Args:
        name: prefix of its curves.
        trains: the networks its optimizer updates, by their name in the method.
    """

    def __init__(self, name: str, trains: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.name = name
        self.trains = dict(trains)

    @property
    def sides(self) -> frozenset[Side]:
        """The sides of the losses whose terms train the networks of this phase.

        "discriminator" if it trains discriminators, "generator" if it trains other networks. The
        trainer refuses a spec whose losses have no such side. Override it where that is not so.
        """
        judges = {isinstance(network, Discriminator) for network in self.trains.values()}
        return frozenset("discriminator" if judging else "generator" for judging in judges)

    def prepare(self, batch: Batch) -> Batch:
        """Work on the host before the pass, such as an exchange with the image pool."""
        return batch

    def forward(self, batch: Batch) -> PhaseResult:
        """Run the networks on `batch` and give the terms of the active losses."""
        raise NotImplementedError  # each phase has its own


class LossSet(nn.Module):
    """The losses of a run by their names in the spec."""

    def __init__(self, losses: Mapping[str, Loss]) -> None:
        super().__init__()
        self.by_name = dict(losses)  # a ModuleDict would refuse names such as "train" and "half"
        self.registered = nn.ModuleList(losses.values())

    def requires(self, active: Collection[str]) -> set[str]:
        """Which passes the active losses read, of both sides: what nobody reads is not computed."""
        reading = (loss.config for name, loss in self.by_name.items() if name in active)
        return {need for config in reading for need in config.requires}

    def encoder_layers(self, active: Collection[str]) -> tuple[str, ...]:
        """At which layers the active losses read features, each layer once."""
        reading = (loss.config for name, loss in self.by_name.items() if name in active)
        return tuple(dict.fromkeys(layer for config in reading for layer in config.encoder_layers))

    def trainable(self) -> dict[str, Loss]:
        """The losses that are trained themselves, by name."""
        return {name: loss for name, loss in self.by_name.items() if loss.trainable}

    def terms(
        self, side: Side, step: TranslationStep, active: Collection[str]
    ) -> dict[str, LossTerms]:
        """The unweighted terms of one side, by loss name; in float32, whatever the networks'."""
        kind = next(iter(step.real.values())).device.type
        if torch.is_autocast_enabled(kind):
            step = replace(step, precision=torch.get_autocast_dtype(kind))
        with torch.autocast(kind, enabled=False):
            return {
                name: _checked(name, getattr(loss, side)(step.seen_by(name, loss.config.requires)))
                for name, loss in self.by_name.items()
                if name in active and side in loss.sides()
            }


def _checked(name: str, given: Any) -> LossTerms:
    """What a loss gave, if it may be given; otherwise backward would fail, and name no loss."""
    terms = given.values() if isinstance(given, Mapping) else [given]
    for term in terms:
        if not (isinstance(term, Tensor) and term.dim() == 0):
            found = f"shape {tuple(term.shape)}" if isinstance(term, Tensor) else repr(term)
            raise PluginError(
                f"the loss {name!r} gave {found}: it has to return a scalar tensor, or a mapping "
                "of directions or domains to scalar tensors; .mean() makes a tensor a scalar"
            )
    checked: LossTerms = given
    return checked


class MakeDiscriminator(Protocol):
    """Makes discriminators."""

    def __call__(self, name: str, domain: Domain, given: Domain | None = None) -> Discriminator:
        """A discriminator of `domain`, called `name`.

        With `given` it is a conditional one: built for the channels of that domain's images, and
        after them those of the images it judges (see TranslationStep.conditions).
        """
        ...


@dataclass(frozen=True)
class Parts:
    """What a method builds itself from; the networks come initialised from the run's seed."""

    losses: LossSet
    seed: int
    make_generator: Callable[[str, Domain, Domain], Generator]
    """(network name, source domain, target domain) -> generator"""
    make_discriminator: MakeDiscriminator
    """(network name, domain it judges) -> discriminator"""
    channels: Mapping[Domain, int] = field(default_factory=dict)
    """Of each domain's images, for networks that the method makes itself."""


class MethodConfig(ComponentConfig):
    """Settings of a method."""

    @property
    def domains(self) -> tuple[Domain, ...]:
        """Whose images a step reads; those of others are not even loaded."""
        return DOMAINS

    @property
    def side(self) -> int | None:
        """Height and width of the only images that it takes, in pixels; None: its networks tell."""
        return None

    @property
    def needs_pairs(self) -> bool:
        """Whether it can only be trained on pairs."""
        return False


class Method(Component):
    """Owns the networks and says, phase by phase, what a training step computes.

    A subclass sets in its `__init__`:
        networks: every network, by the name its file has in a checkpoint.
        generators: those that translate, by direction; none in a method that does not translate.
        phases: in the order in which a step runs them.

    Networks come from `parts`. One that is no component, such as a generator that translates
    nothing, the method may build itself, from its own settings: torch is seeded before, and the
    weights stay as they were built.
    """

    kind = "method"
    Config: ClassVar[type[ComponentConfig]] = MethodConfig

    provides: ClassVar[frozenset[str] | set[str]] = frozenset()
    """What its steps can give to a loss beside `real`."""

    networks: Mapping[str, nn.Module]
    generators: Mapping[Direction, Generator]
    phases: Sequence[Phase]

    def __init__(self, config: Any, *, parts: Parts) -> None:
        super().__init__(config)
        self.parts = parts

    @property
    def averaged(self) -> Collection[str]:
        """Names of the networks of which `train.ema` keeps a running mean: those that translate."""
        translators = [id(generator) for generator in self.generators.values()]
        return [name for name, network in self.networks.items() if id(network) in translators]

    def sheets(self, networks: Mapping[str, nn.Module], count: int) -> Mapping[str, Tensor]:
        """Pictures of what it makes beside translations, for the run's samples; none by default.

        Args:
            networks: as one would use them: averaged, in evaluation mode, without gradients.
            count: how many images of each sort.

        Returns:
            Under each heading images (count, C, H, W) in [-1, 1], the same sort at every look.
        """
        return {}

    def state(self) -> dict[str, Tensor]:
        """What a resumed run needs beside weights and optimizers, such as image pools."""
        return {}

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Take back what `state` gave."""


MethodSlot = Annotated[MethodConfig, Slot("method")]
