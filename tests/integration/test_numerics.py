"""The batched phases against a plain step: the same losses, the same gradients, the same weights.

Two comparisons, because Adam's first steps are nearly the sign of the gradient: where a component
of it is close to 0, rounding alone decides which way that weight goes, and the paths part.

- In float32, for five steps, each of which both sides begin with the same weights and moments.
  Losses agree to 1e-5. So does every gradient, by the norm of its network's gradient: the biases in
  front of instance norm have no gradient but rounding noise, of which a share means nothing.
- In float64, for five steps from beginning to end, everything agrees tensor by tensor: losses,
  gradients and, in the end, weights.
"""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import Tensor

from gantrans.inference import compilation
from gantrans.training.batch import LoadedBatch
from gantrans.training.step import TrainingStep
from plain_cyclegan import PlainCycleGAN
from tiny_run import steps_of, tiny_job, watch_gradients

STEPS = 5
POOL = 2  # full after two steps, so that the last three draw
LEVERS: dict[str, dict[str, Any]] = {
    "compiled": {"compile": True},
    "recomputed": {"recompute": True},
    "compiled and recomputed, batch of 2": {"compile": True, "recompute": True, "batch_size": 2},
}
NETWORKS = ("generator_ab", "generator_ba", "discriminator_a", "discriminator_b")
SETTINGS: dict[str, dict[str, Any]] = {
    "every patch, with identity": {},
    "every patch, without identity": {"identity": False},
    "mean score, with identity": {"average": True},
    "mean score, without identity": {"average": True, "identity": False},
    "vanilla": {"objective": "vanilla"},
    "hinge": {"objective": "hinge"},
    "batch of 2": {"batch_size": 2},
    "batch norm, batch of 2": {"norm": "batch", "batch_size": 2},
}


class SideBySide:
    """The same networks, trained by gantrans and by the plain step."""

    def __init__(
        self,
        *,
        average: bool = False,
        identity: bool = True,
        objective: str = "lsgan",
        norm: str = "instance",
        batch_size: int = 1,
        **levers: bool,
    ) -> None:
        common: dict[str, Any] = {
            "method": {"type": "cyclegan", "pool_size": POOL},
            "generator": {"norm": norm},
            "losses": {
                "adversarial": {"objective": objective},
                "identity": {} if identity else None,
            },
            # Six steps.
            "train": {"epochs": batch_size, "batch_size": batch_size, **levers},
        }
        job = tiny_job(discriminator={"pool": "mean" if average else "none"}, **common)
        # Score maps are averaged by the plain step itself.
        other = tiny_job(discriminator={"pool": "none"}, **common)
        self.job, self.training = job, TrainingStep(job)
        self.ours = [job.method.networks[name] for name in NETWORKS]
        self.theirs = [other.method.networks[name] for name in NETWORKS]
        self.plain = PlainCycleGAN(
            self.theirs,
            average=average,
            objective=objective,
            identity=5.0 if identity else 0.0,
            pool_size=POOL,
        )
        self.optimizers = (
            (self.training.optimizers["generators"], self.plain.optimizer_g),
            (self.training.optimizers["discriminators"], self.plain.optimizer_d),
        )
        self.our_gradients, self.their_gradients = (
            watch_gradients(dict(zip(NETWORKS, networks, strict=True)), optimizers)
            for networks, optimizers in zip(
                (self.ours, self.theirs), zip(*self.optimizers, strict=True), strict=True
            )
        )

    def start_alike(self) -> None:
        """Give the plain side our weights and moments."""
        for ours, theirs in zip(self.ours, self.theirs, strict=True):
            theirs.load_state_dict(ours.state_dict())
        for optimizer, other in self.optimizers:
            other.load_state_dict(copy.deepcopy(optimizer.state_dict()))

    def step(self, number: int, batches: list[LoadedBatch]) -> None:
        """One step on both sides; the learning rate is constant for half of the run, then falls."""
        rate = 2e-4 * min(1.0, (self.job.steps - number) / (self.job.steps / 2))
        for _, optimizer in self.optimizers:
            optimizer.param_groups[0]["lr"] = rate
        [batch] = batches
        self.our_terms = self.training(number, batches)
        self.their_terms = self.plain.step(batch.real["a"], batch.real["b"])


def relative(ours: Tensor, theirs: Tensor, scale: Tensor | None = None) -> float:
    scale = theirs if scale is None else scale
    return float((ours - theirs).norm() / scale.norm())


@pytest.mark.parametrize(
    "setting", [*SETTINGS.values(), *LEVERS.values()], ids=[*SETTINGS, *LEVERS]
)
def test_float32_steps_equal_the_plain_step_to_1e_5(
    setting: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Everything that compiling does but the writing of C++, which takes a minute.
    monkeypatch.setattr(compilation, "BACKEND", "aot_eager")
    both = SideBySide(**setting)
    worst = []
    for number, batches in enumerate(steps_of(both.job, STEPS)):
        both.start_alike()
        both.step(number, batches)

        assert both.our_terms.keys() == both.their_terms.keys()
        for curve, term in both.their_terms.items():
            assert both.our_terms[curve].item() == pytest.approx(term.item(), rel=1e-5), curve

        assert both.our_gradients.keys() == both.their_gradients.keys()
        whole = {
            name: torch.cat(
                [g.flatten() for key, g in both.their_gradients.items() if key.startswith(name)]
            )
            for name in NETWORKS
        }
        worst.append(
            max(
                relative(both.our_gradients[key], gradient, whole[key.partition(".")[0]])
                for key, gradient in both.their_gradients.items()
            )
        )
    # Where the input of a ReLU or an L1 difference lies within rounding of 0, its slope is one of
    # two. Of the steps of other seeds, one in forty meets such a place: hence a median.
    assert sorted(worst)[STEPS // 2] < 1e-5, worst


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)
def test_five_float64_steps_end_with_the_plain_steps_weights(
    setting: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    # What is computed in float32 after bfloat16 networks, such as losses, is in float64 here.
    monkeypatch.setattr(Tensor, "float", Tensor.double)
    both = SideBySide(**setting)
    for network in (*both.ours, *both.theirs):
        network.double()

    for number, [batch] in enumerate(steps_of(both.job, STEPS)):
        real = {domain: images.double() for domain, images in batch.real.items()}
        both.step(number, [LoadedBatch(real, batch.labels)])

        assert both.our_terms.keys() == both.their_terms.keys()
        for curve, term in both.their_terms.items():
            assert both.our_terms[curve].item() == pytest.approx(term.item(), rel=1e-10), curve
        assert both.our_gradients.keys() == both.their_gradients.keys()
        for key, gradient in both.their_gradients.items():
            # A bias in front of instance norm has noise alone: its layer's weights give the scale.
            scale = both.their_gradients[key.replace("bias", "weight")]
            assert relative(both.our_gradients[key], gradient, scale) < 1e-10, key

    image = steps_of(both.job, 1)[0][0].real["a"].double()
    for ours, theirs in zip(both.ours, both.theirs, strict=True):
        ours_now, theirs_now = ours.state_dict(), theirs.state_dict()
        for key in (key for key in theirs_now if key.endswith("weight")):
            assert relative(ours_now[key], theirs_now[key]) < 1e-10, key
        with torch.no_grad():  # in which the biases count as far as they have an effect
            seen, expected = ours(image), theirs(image)
        if seen.shape != expected.shape:
            expected = expected.mean(dim=(2, 3), keepdim=True)
        assert relative(seen, expected) < 1e-10
