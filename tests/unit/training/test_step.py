from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from gantrans.api.loss import LossConfig
from gantrans.training.step import TrainingStep
from tiny_run import steps_of, tiny_job, watch_gradients

ONLY_CYCLE = {"adversarial": {"start": 6}, "identity": None}
"""In the first steps."""


def training(**changes: Any) -> tuple[TrainingStep, dict[str, Tensor]]:
    """A step, and the gradients of it when it has been called."""
    step = TrainingStep(tiny_job(**changes))
    return step, watch_gradients(step.method.networks, step.optimizers.values())


def flat(gradients: dict[str, Tensor], network: str) -> Tensor:
    mine = [g.flatten() for key, g in gradients.items() if key.startswith(network)]
    return torch.cat(mine) if mine else torch.zeros(0)


def weights_of(step: TrainingStep, network: str) -> Tensor:
    return torch.cat([w.detach().flatten() for w in step.method.networks[network].parameters()])


def close(a: Tensor, b: Tensor, tolerance: float = 1e-5) -> bool:
    return bool((a - b).norm() <= tolerance * b.norm())


# What a loss counts, and when


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"weight": 2.0}, [2, 2, 2, 2, 2, 2]),
        ({"weight": 2.0, "every": 3}, [6, 0, 0, 6, 0, 0]),
        ({"weight": 2.0, "start": 2}, [0, 0, 2, 2, 2, 2]),
        ({"weight": 2.0, "ramp": 4}, [0.5, 1, 1.5, 2, 2, 2]),
        ({"weight": 1.0, "start": 1, "every": 2, "ramp": 4}, [0, 0.5, 0, 1.5, 0, 2]),
        ({"weight": 0.0}, [0, 0, 0, 0, 0, 0]),
    ],
)
def test_the_weight_of_a_loss_over_the_steps(
    settings: dict[str, Any], expected: list[float]
) -> None:
    config = LossConfig(**settings)
    assert [config.weight_at(step) for step in range(6)] == pytest.approx(expected)


def test_gradients_are_those_of_the_weighted_loss() -> None:
    once, gradients = training(losses={**ONLY_CYCLE, "cycle": {"weight": 1.0}})
    lazy, lazy_gradients = training(losses={**ONLY_CYCLE, "cycle": {"weight": 2.0, "every": 3}})
    rising, rising_gradients = training(losses={**ONLY_CYCLE, "cycle": {"weight": 1.0, "ramp": 4}})
    [batches] = steps_of(once.job, 1)
    terms = [step(0, batches) for step in (once, lazy, rising)]

    assert close(flat(lazy_gradients, "generator_ab"), 6 * flat(gradients, "generator_ab"))
    assert close(flat(rising_gradients, "generator_ab"), flat(gradients, "generator_ab") / 4)
    for curves in terms[1:]:  # curves are not weighted
        assert curves["generators/cycle/a"] == terms[0]["generators/cycle/a"]


def test_a_loss_is_not_computed_at_the_steps_at_which_it_does_not_count() -> None:
    step, _ = training(losses={"identity": {"every": 2}, "cycle": {"start": 3}})
    curves = [step(number, b).keys() for number, b in enumerate(steps_of(step.job, 4))]
    assert ["generators/identity/a" in seen for seen in curves] == [True, False, True, False]
    assert ["generators/cycle/b" in seen for seen in curves] == [False, False, False, True]
    assert all("discriminators/adversarial/a" in seen for seen in curves)


def test_nothing_moves_before_the_first_loss_starts() -> None:
    step, gradients = training(losses={**ONLY_CYCLE, "cycle": {"start": 1}})
    before = weights_of(step, "generator_ab")
    first, second = steps_of(step.job, 2)
    assert step(0, first) == {}
    assert torch.equal(weights_of(step, "generator_ab"), before)
    step(1, second)
    assert not torch.equal(weights_of(step, "generator_ab"), before)
    assert not len(flat(gradients, "discriminator"))


LOSSES = '''
import gantrans

class Brightness(gantrans.Loss):
    """Darken the translations to b."""
    name = "brightness"
    requires = {"fake"}

    def generator(self, step):
        return step.fake["b"].mean()

class EachBrightness(gantrans.Loss):
    """Darken both translations."""
    name = "each_brightness"
    requires = {"fake"}

    def generator(self, step):
        return {"ab": step.fake["b"].mean(), "ba": step.fake["a"].mean()}
'''


@pytest.mark.parametrize("weight", [1.0, 3.0])
def test_a_loss_may_give_one_number_or_one_a_direction(tmp_path: Path, weight: float) -> None:
    plugin = tmp_path / "brightness.py"
    plugin.write_text(LOSSES)
    seen = {}
    for name in ("brightness", "each_brightness"):
        losses = {**ONLY_CYCLE, "cycle": None, name: {"weight": weight}}
        step, gradients = training(plugins=[str(plugin)], losses=losses)
        [batches] = steps_of(step.job, 1)
        generators = step.method.networks["generator_ab"], step.method.networks["generator_ba"]
        fake_b = generators[0](batches[0].real["a"]).mean()
        fake_a = generators[1](batches[0].real["b"]).mean()
        (fake_a + fake_b).backward()  # the plain gradients of both directions
        for generator, key in zip(generators, ("generator_ab", "generator_ba"), strict=True):
            plain = [weight.grad.flatten() for weight in generator.parameters()]
            seen[name, key] = torch.cat(plain)
            generator.zero_grad()
        terms = {curve: term.item() for curve, term in step(0, batches).items()}
        if name == "brightness":
            assert terms == {"generators/brightness": pytest.approx(fake_b.item())}
            assert close(flat(gradients, "generator_ab"), weight * seen[name, "generator_ab"])
            assert not len(flat(gradients, "generator_ba"))
        else:
            assert terms == {
                "generators/each_brightness/a->b": pytest.approx(fake_b.item()),
                "generators/each_brightness/b->a": pytest.approx(fake_a.item()),
            }
            for key in ("generator_ab", "generator_ba"):
                assert close(flat(gradients, key), weight * seen[name, key])


def test_curves_are_named_after_the_domains() -> None:
    step, _ = training(domains={"a": "summer", "b": "winter"})
    [batches] = steps_of(step.job, 1)
    assert set(step(0, batches)) == {
        "generators/adversarial/summer->winter",
        "generators/adversarial/winter->summer",
        "generators/cycle/summer",
        "generators/cycle/winter",
        "generators/identity/summer",
        "generators/identity/winter",
        "discriminators/adversarial/summer",
        "discriminators/adversarial/winter",
    }


# What the trainer owns


def test_two_batches_of_one_add_up_to_a_batch_of_two() -> None:
    pool = {"type": "cyclegan", "pool_size": 1}  # draws from the second image on
    whole, gradients = training(method=pool, train={"batch_size": 2})
    parts, added = training(method=pool, train={"batch_size": 1, "accumulate": 2})
    for number, (one, two) in enumerate(
        zip(steps_of(whole.job, 3), steps_of(parts.job, 3), strict=True)
    ):
        assert torch.equal(one[0].real["a"], torch.cat([batch.real["a"] for batch in two]))
        for name, network in parts.method.networks.items():  # see tests/integration/test_numerics
            network.load_state_dict(whole.method.networks[name].state_dict())
        terms, others = whole(number, one), parts(number, two)
        assert terms.keys() == others.keys()
        for curve, term in terms.items():
            assert others[curve].item() == pytest.approx(term.item(), rel=1e-5), curve
        for name in whole.method.networks:
            assert close(flat(added, name), flat(gradients, name)), name


def test_the_generators_phase_leaves_no_gradient_in_the_discriminators() -> None:
    step, _ = training()
    networks = step.method.networks
    seen: dict[str, list[bool]] = {}

    def look(phase: str) -> Any:
        def note(*_: Any) -> None:
            seen[phase] = [
                all(w.grad is None for w in network.parameters()) for network in networks.values()
            ]

        return note

    for phase, optimizer in step.optimizers.items():
        optimizer.register_step_pre_hook(look(phase))
    [batches] = steps_of(step.job, 1)
    step(0, batches)
    assert list(networks)[2:] == ["discriminator_a", "discriminator_b"]
    assert seen["generators"] == [False, False, True, True]
    assert seen["discriminators"] == [True, True, False, False]
    assert all(w.grad is None for network in networks.values() for w in network.parameters())


def test_clip_norm_bounds_the_gradient_of_each_phase_and_keeps_its_direction() -> None:
    free, gradients = training()
    bound = {phase: flat(gradients, phase) for phase in ("generator", "discriminator")}
    clipped, short = training(optimizer={"clip_norm": 0.01})
    loose, untouched = training(optimizer={"clip_norm": 1e6})
    [batches] = steps_of(free.job, 1)
    for step in (free, clipped, loose):
        step(0, batches)
    for phase in bound:
        whole = flat(gradients, phase)
        assert whole.norm() > 0.01
        assert flat(short, phase).norm().item() == pytest.approx(0.01, rel=1e-3)
        assert close(flat(short, phase) * whole.norm() / 0.01, whole, tolerance=1e-3)
        assert torch.equal(flat(untouched, phase), whole)


def test_the_first_step_of_adam_is_as_long_as_the_learning_rate() -> None:
    """m / sqrt(v) is the sign of the gradient then, wherever that is well above epsilon."""
    step, gradients = training(optimizer={"lr": 1e-3}, train={"epochs": 4, "decay_start": 0})
    [batches] = steps_of(step.job, 1)
    before = weights_of(step, "generator_ab")
    step(0, batches)
    moved = weights_of(step, "generator_ab") - before
    steep = flat(gradients, "generator_ab").abs() > 1e-4
    assert steep.sum() > 1000
    expected = -1e-3 * flat(gradients, "generator_ab").sign()
    assert torch.allclose(moved[steep], expected[steep], rtol=1e-3)


def test_the_learning_rate_follows_the_schedule() -> None:
    step, _ = training(optimizer={"lr": 1e-3}, train={"epochs": 2, "decay_start": 1})
    rates = []
    for number, batches in enumerate(steps_of(step.job, step.job.steps)):
        step(number, batches)
        rates.append(step.optimizers["generators"].param_groups[0]["lr"])
    assert step.job.steps_per_epoch == 6
    assert rates == pytest.approx([1e-3] * 7 + [1e-3 * (6 - n) / 6 for n in range(1, 6)])


def test_dropout_depends_on_the_step_and_not_on_what_was_drawn_before() -> None:
    """Or a resumed run would not equal an uninterrupted one."""
    dropout = {"dropout": 0.5}
    first, second = (TrainingStep(tiny_job(generator=dropout)) for _ in range(2))
    other = TrainingStep(tiny_job(generator=dropout))
    [batches] = steps_of(first.job, 1)
    torch.manual_seed(1)
    terms = first(0, batches)
    torch.manual_seed(2)
    torch.rand(100)
    assert second(0, batches) == terms
    assert other(1, batches) != terms


def test_bf16_keeps_terms_and_weights_in_float32() -> None:
    step, gradients = training(train={"precision": "bf16"})
    exact, _ = training()
    [batches] = steps_of(step.job, 1)
    terms, expected = step(0, batches), exact(0, batches)
    for curve, term in terms.items():
        assert term.dtype == torch.float32, curve
        assert term.item() == pytest.approx(expected[curve].item(), rel=0.05), curve
    assert terms != expected  # so bfloat16 was indeed at work
    assert flat(gradients, "generator_ab").dtype == torch.float32
    assert weights_of(step, "generator_ab").dtype == torch.float32
