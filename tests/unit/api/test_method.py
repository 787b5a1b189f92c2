from __future__ import annotations

from typing import Any, ClassVar

import pytest
import torch
from torch import nn

from gantrans.api.discriminator import Discriminator
from gantrans.api.loss import Loss, LossConfig
from gantrans.api.method import LossSet, Method, Parts
from gantrans.api.step import TranslationStep
from gantrans.errors import PluginError

IMAGE = torch.ones(1, 1, 2, 2)
THIRDS = torch.full((1, 1, 2, 2), 1 / 3)
STEP = TranslationStep({"real": {"a": IMAGE, "b": IMAGE}}, {})


class Gives(Loss):
    """Gives what it is told to."""

    name = "gives"
    value: Any

    def generator(self, step: TranslationStep) -> Any:
        return self.value


def terms(value: Any) -> Any:
    loss = Gives(Gives.Config())
    loss.value = value
    return LossSet({"mine": loss}).terms("generator", STEP, {"mine"})["mine"]


@pytest.mark.parametrize(
    "value", [torch.ones(1), IMAGE, 0.5, None, {"ab": torch.ones(2)}, {"ab": None}]
)
def test_a_loss_that_gives_no_scalar_is_named(value: Any) -> None:
    with pytest.raises(PluginError, match=r"the loss 'mine' gave .* scalar"):
        terms(value)


@pytest.mark.parametrize("value", [torch.tensor(0.5), {"ab": torch.tensor(0.5)}, {}])
def test_scalars_are_taken_as_they_are(value: Any) -> None:
    assert terms(value) is value


class Judge(Discriminator):
    """One product of matrices, which autocast computes in bfloat16."""

    name = "judge"

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.flatten(2) @ x.flatten(2).mT


class Notes(Loss):
    """Notes in what its own products, and what the judge it asks, are computed."""

    name = "notes"

    def generator(self, step: TranslationStep) -> torch.Tensor:
        self.of_its_own = (IMAGE @ IMAGE).dtype
        [scores] = step.score("a", THIRDS)
        self.exact = torch.equal(scores, (THIRDS.flatten(2) @ THIRDS.flatten(2).mT))
        return scores.mean()


def test_a_loss_is_computed_in_float32_and_the_judge_that_it_asks_as_the_step_is() -> None:
    loss = Notes(Notes.Config())
    judge = Judge(Judge.Config(), in_channels=1)
    step, losses = TranslationStep({"real": {"a": THIRDS}}, {"a": judge}), LossSet({"notes": loss})
    losses.terms("generator", step, {"notes"})
    assert loss.exact
    with torch.autocast("cpu", torch.bfloat16):
        losses.terms("generator", step, {"notes"})
        assert torch.is_autocast_enabled("cpu")
    assert loss.of_its_own == torch.float32
    assert not loss.exact


class Reads(Loss):
    """Reads features at the layers that its settings name."""

    name = "reads"

    class Config(LossConfig):
        at: tuple[str, ...] = ()

        @property
        def requires(self) -> frozenset[str]:
            return frozenset({"features"} if self.at else ())

        @property
        def encoder_layers(self) -> tuple[str, ...]:
            return self.at


class Learns(Reads):
    """The same, trained."""

    name = "learns"
    trainable: ClassVar[bool] = True


def loss_set() -> LossSet:
    return LossSet(
        {
            "none": Reads(Reads.Config()),
            "shallow": Reads(Reads.Config(at=("stem", "down1"))),
            "deep": Learns(Learns.Config(at=("down1", "block1", "down1"))),
        }
    )


@pytest.mark.parametrize(
    ("active", "layers"),
    [
        ((), ()),
        (("none",), ()),
        (("shallow",), ("stem", "down1")),
        (("deep",), ("down1", "block1")),
        (("deep", "shallow", "none"), ("stem", "down1", "block1")),
    ],
)
def test_features_are_read_at_the_layers_of_the_active_losses_each_once(
    active: tuple[str, ...], layers: tuple[str, ...]
) -> None:
    losses = loss_set()
    assert losses.encoder_layers(active) == layers
    assert losses.requires(active) == ({"features"} if layers else set())


def test_only_losses_that_say_so_are_trained() -> None:
    losses = loss_set()
    assert losses.trainable() == {"deep": losses.by_name["deep"]}


class Bare(Method):
    """Sets what a subclass has to, and no more."""

    name = "bare"

    def __init__(self, config: Any, *, parts: Parts) -> None:
        super().__init__(config, parts=parts)
        self.networks = {"g": nn.Identity(), "d": nn.Identity(), "g_back": nn.Identity()}
        self.generators = {}
        self.phases = []


def bare() -> Any:
    nothing: Any = None
    return Bare(Bare.Config(), parts=Parts(LossSet({}), 0, nothing, nothing))


def test_the_networks_that_translate_are_averaged_whatever_they_are_called() -> None:
    method = bare()
    assert list(method.averaged) == []
    method.generators = {"ab": method.networks["g"], "ba": method.networks["g_back"]}
    assert sorted(method.averaged) == ["g", "g_back"]


def test_a_method_reads_both_domains_needs_no_pairs_and_draws_no_sheets_unless_it_says_so() -> None:
    method = bare()
    assert method.config.domains == ("a", "b")
    assert not method.config.needs_pairs
    assert method.sheets(method.networks, 3) == {}
    assert method.parts.channels == {}
