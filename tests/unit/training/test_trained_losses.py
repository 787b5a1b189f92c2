"""Losses with weights of their own: those that are trained, and those that are not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from gantrans.errors import PluginError
from gantrans.training.step import TrainingStep
from tiny_run import steps_of, tiny_job

NCE = {"layers": ["image", "down1", "block1"], "patches": 20, "width": 8}
CUT: dict[str, Any] = {
    "method": {"type": "cut"},
    "losses": {"patch_nce": NCE, "cycle": None, "identity": None},
}
FASTCUT: dict[str, Any] = {
    "method": {"type": "cut", "preset": "fastcut"},
    "losses": {**CUT["losses"], "patch_nce": {**NCE, "preset": "fastcut"}},
}
PIX2PIX: dict[str, Any] = {
    "method": {"type": "pix2pix"},
    "data": {"pairs": True},
    "generator": {"dropout": 0.5},
    "losses": {"l1": {}, "cycle": None, "identity": None},
}

PLUGIN = '''
import torch
from torch import nn
import gantrans

class Ruler(gantrans.Loss):
    """Compares brightness with a number of its own."""
    name = "ruler"
    requires = {"fake"}

    def __init__(self, config):
        super().__init__(config)
        self.fixed = nn.Linear(1, 1).requires_grad_(False)
        self.fixed.weight.fill_(1.5)  # as if read from a file
        self.level = nn.Parameter(torch.tensor(0.25))
        self.register_buffer("seen", torch.zeros(()))

    def generator(self, step):
        self.seen += 1
        return {d: (x.mean() - self.level * self.fixed.weight.mean()) ** 2
                for d, x in step.fake.items()}

class Learned(Ruler):
    """The same, and the number is learned."""
    name = "learned"
    trainable = True

class OnBothSides(gantrans.Loss):
    """Gives the generators 2 w and the discriminators 5 w."""
    name = "on_both_sides"
    requires = {"fake"}
    trainable = True

    def __init__(self, config):
        super().__init__(config)
        self.w = nn.Parameter(torch.ones(()))

    def generator(self, step):
        return 2 * self.w

    def discriminator(self, step):
        return 5 * self.w

class Weightless(gantrans.Loss):
    """Says that it is trained, and has nothing to train."""
    name = "weightless"
    requires = {"fake"}
    trainable = True

    def generator(self, step):
        return step.fake["b"].mean()
'''


def copied(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {key: value.clone() for key, value in tensors.items()}


@pytest.mark.parametrize("settings", [CUT, FASTCUT, PIX2PIX], ids=["cut", "fastcut", "pix2pix"])
@pytest.mark.parametrize("decay", [0.0, 0.9])
def test_a_step_goes_on_from_its_state_bit_for_bit(settings: dict[str, Any], decay: float) -> None:
    whole, first, second = (
        TrainingStep(tiny_job(**settings, train={"ema": decay})) for _ in range(3)
    )
    steps = list(enumerate(steps_of(whole.job, 4)))
    for number, batches in steps:
        whole(number, batches)
    for number, batches in steps[:2]:
        first(number, batches)
    saved = {name: copied(network.state_dict()) for name, network in first.for_use().items()}
    state = copied(first.state())
    for number, batches in steps[2:]:  # what was saved is not a view of what goes on
        first(number, batches)
    second.load_state(saved, state)
    assert second.state().keys() == state.keys()
    assert all(torch.equal(second.state()[key], value) for key, value in state.items())
    for number, batches in steps[2:]:
        second(number, batches)

    for name, network in whole.for_use().items():
        for key, weight in network.state_dict().items():
            assert torch.equal(second.for_use()[name].state_dict()[key], weight), (name, key)
    assert whole.state().keys() == second.state().keys()
    for key, value in whole.state().items():
        assert torch.equal(second.state()[key], value), key


def test_the_state_holds_the_head_and_its_optimizers_moments() -> None:
    step = TrainingStep(tiny_job(**CUT))
    for number, batches in enumerate(steps_of(step.job, 2)):
        step(number, batches)
    head, state = step.losses["patch_nce"], step.state()
    for key, weight in head.state_dict().items():
        assert torch.equal(state[f"loss/patch_nce/{key}"], weight)
    for index, weight in enumerate(head.parameters()):
        for moment in ("exp_avg", "exp_avg_sq"):
            found = state[f"loss_optimizer/patch_nce/{index}/{moment}"]
            assert found.shape == weight.shape
            assert found.any()
        assert state[f"loss_optimizer/patch_nce/{index}/step"].item() == 2
    assert len([key for key in state if key.startswith("loss/")]) == 3 * 4
    assert len([key for key in state if key.startswith("loss_optimizer/")]) == 3 * 4 * 3


def test_the_head_rests_while_its_loss_does() -> None:
    losses = {**CUT["losses"], "patch_nce": {**NCE, "start": 1, "every": 2}}
    step = TrainingStep(tiny_job(method={"type": "cut"}, losses=losses))
    head = step.losses["patch_nce"]
    moved = []
    for number, batches in enumerate(steps_of(step.job, 4)):
        before = copied(head.state_dict())
        step(number, batches)
        moved.append(any(not torch.equal(w, before[k]) for k, w in head.state_dict().items()))
    assert moved == [False, True, False, True]


def test_the_head_has_the_rate_of_the_schedule_and_is_clipped_apart() -> None:
    step = TrainingStep(
        tiny_job(**CUT, optimizer={"lr": 1e-3, "clip_norm": 0.01}, train={"decay_start": 0})
    )
    [optimizer] = step.loss_optimizers.values()
    norms: list[float] = []

    def note(*_: Any) -> None:
        gradients = [w.grad for group in optimizer.param_groups for w in group["params"]]
        norms.append(torch.cat([g.flatten() for g in gradients if g is not None]).norm().item())

    optimizer.register_step_pre_hook(note)
    rates = []
    for number, batches in enumerate(steps_of(step.job, 3)):
        step(number, batches)
        rates.append(optimizer.param_groups[0]["lr"])
        assert rates[-1] == step.optimizers["generator"].param_groups[0]["lr"]
    assert len(set(rates)) == 3
    assert norms == pytest.approx([0.01] * 3, rel=1e-3)


def test_two_batches_of_one_move_the_head_as_a_batch_of_two_does() -> None:
    """With all places drawn, so that it does not matter which are drawn when."""
    every = {"layers": ["down2", "block1"], "patches": 64, "width": 8}
    spec = {**CUT, "losses": {**CUT["losses"], "patch_nce": every}}
    whole = TrainingStep(tiny_job(**spec, train={"batch_size": 2}))
    parts = TrainingStep(tiny_job(**spec, train={"batch_size": 1, "accumulate": 2}))
    [one], [two] = steps_of(whole.job, 1), steps_of(parts.job, 1)
    terms, others = whole(0, one), parts(0, two)
    for curve, term in terms.items():
        assert others[curve].item() == pytest.approx(term.item(), rel=1e-5), curve
    moments, added = (
        {key: value for key, value in step.state().items() if key.startswith("loss_optimizer/")}
        for step in (whole, parts)
    )
    assert len(moments) == 2 * 4 * 3
    for key, value in moments.items():
        assert (added[key] - value).norm() <= 1e-4 * value.norm() + 1e-12, key


@pytest.fixture
def plugin(tmp_path: Path) -> str:
    file = tmp_path / "rulers.py"
    file.write_text(PLUGIN)
    return str(file)


def test_weights_of_a_loss_that_is_not_trained_stay_and_are_not_saved(plugin: str) -> None:
    step = TrainingStep(tiny_job(plugins=[plugin], losses={"ruler": {}}))
    loss = step.method.parts.losses.by_name["ruler"]
    assert not any(weight.requires_grad for weight in loss.parameters())
    before = copied(dict(loss.named_parameters()))
    for number, batches in enumerate(steps_of(step.job, 2)):
        step(number, batches)
    assert all(torch.equal(w, before[k]) for k, w in loss.named_parameters())
    assert not [key for key in step.state() if "ruler" in key]


def test_of_a_trained_loss_what_it_froze_stays_and_its_buffers_are_saved(plugin: str) -> None:
    step = TrainingStep(tiny_job(plugins=[plugin], losses={"learned": {}}))
    loss: Any = step.losses["learned"]
    before = copied(dict(loss.named_parameters()))
    assert before["level"] == 0.25  # no layer, so [init] is not for it
    assert before["fixed.weight"] == 1.5  # nor is it for what is not trained
    for number, batches in enumerate(steps_of(step.job, 2)):
        step(number, batches)
    assert torch.equal(loss.fixed.weight, before["fixed.weight"])
    assert not torch.equal(loss.level, before["level"])
    assert step.state()["loss/learned/seen"] == 2
    assert torch.equal(step.state()["loss/learned/level"], loss.level)


def test_a_loss_is_trained_on_both_of_its_sides(plugin: str) -> None:
    step = TrainingStep(tiny_job(plugins=[plugin], losses={"on_both_sides": {"weight": 10.0}}))
    seen: list[float] = []
    loss: Any = step.losses["on_both_sides"]
    step.loss_optimizers["on_both_sides"].register_step_pre_hook(
        lambda *_: seen.append(loss.w.grad.item())
    )
    [batches] = steps_of(step.job, 1)
    step(0, batches)
    assert seen == [pytest.approx(10 * (2 + 5))]


def test_a_trained_loss_without_weights_is_one_message_that_names_it(plugin: str) -> None:
    with pytest.raises(PluginError, match="weightless"):
        TrainingStep(tiny_job(plugins=[plugin], losses={"weightless": {}}))
