from __future__ import annotations

import pytest
import torch
from torch import Tensor

from gantrans.training.health.observation import Observation
from gantrans.training.health.probe import hidden, variation
from gantrans.training.step import TrainingStep
from tiny_run import steps_of, tiny_job, watch_gradients

# Whatever is drawn or counted in a forward pass would show.
TOUCHY = {"type": "resnet", "width": 4, "blocks": 1, "norm": "batch", "dropout": 0.5}


def trained(*, observed: bool) -> dict[str, Tensor]:
    job = tiny_job(generator=TOUCHY, train={"batch_size": 2, "ema": 0.9})
    training = TrainingStep(job)
    for step, loaded in enumerate(steps_of(job, 4)):
        look = Observation(job.method.generators) if observed else None
        training(step, loaded, look)
        if look:
            look.looks(), look.gradients()
            hidden(job.method.generators, look.pairs(), 0, step)
            variation(job.method.generators, loaded[0].real, (32, 32), job.device)
    state = {**training.state()}
    for name, network in job.method.networks.items():
        state |= {f"{name}.{key}": value for key, value in network.state_dict().items()}
    return state


def test_looking_changes_nothing_of_training_bit_for_bit() -> None:
    alone, watched = trained(observed=False), trained(observed=True)
    assert alone.keys() == watched.keys()
    assert all(torch.equal(alone[key], watched[key]) for key in alone)


def test_the_gradient_is_the_one_that_the_optimizer_gets() -> None:
    job = tiny_job(train={"accumulate": 2})
    training = TrainingStep(job)
    seen = watch_gradients(job.method.networks, training.optimizers.values())
    look = Observation(job.method.generators)
    training(0, steps_of(job, 1)[0], look)
    assert look.gradients().keys() == job.method.networks.keys()
    for name, size in look.gradients().items():
        found = [x.flatten() for key, x in seen.items() if key.startswith(f"{name}.")]
        plain = torch.cat(found).square().mean().sqrt()
        assert size == pytest.approx(float(plain), rel=1e-5) and size > 0


def test_what_is_looked_at_is_what_the_step_made() -> None:
    job = tiny_job()
    generator = job.method.generators["ab"]
    [loaded] = steps_of(job, 1)[0]
    with torch.no_grad():
        fake = generator(loaded.real["a"])
        expected = 1 - (fake - loaded.real["a"]).square().mean() / loaded.real["a"].var(
            correction=0
        )
    look = Observation(job.method.generators)
    TrainingStep(job)(0, [loaded], look)
    looks = look.looks()
    assert looks.keys() == {"ab", "ba"}
    assert looks["ab"].numbers["unchanged"] == pytest.approx(float(expected), rel=1e-4)
    pairs = look.pairs()
    assert torch.equal(pairs["ab"][0], loaded.real["a"])
    assert torch.allclose(pairs["ab"][1], fake, atol=1e-6)


@pytest.mark.parametrize("method", ["cut", "pix2pix"])
def test_methods_with_one_direction_are_looked_at_and_have_no_way_back(method: str) -> None:
    losses: dict[str, dict[str, object] | None] = {"cycle": None, "identity": None}
    losses["l1" if method == "pix2pix" else "total_variation"] = {}
    data = {"pairs": True} if method == "pix2pix" else {}
    job = tiny_job(method={"type": method}, losses=losses, data=data)
    look = Observation(job.method.generators)
    TrainingStep(job)(0, steps_of(job, 1)[0], look)
    assert look.looks().keys() == {"ab"}
    assert hidden(job.method.generators, look.pairs(), 0, 1) == {}
