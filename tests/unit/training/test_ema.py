from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from gantrans.training.ema import WeightAverage
from gantrans.training.step import TrainingStep
from tiny_run import steps_of, tiny_job


def moved(network: nn.Module) -> None:
    with torch.no_grad():
        for weight in network.parameters():
            weight.add_(torch.randn_like(weight))


def test_it_is_the_running_mean_with_a_lower_decay_at_first() -> None:
    torch.manual_seed(0)
    network = nn.Linear(3, 2).double()
    average = WeightAverage(network, decay=0.9)
    mean = network.weight.detach().clone()
    for step in range(1, 101):
        moved(network)
        average.update(step)
        decay = min(0.9, (1 + step) / (10 + step))  # 0.9 from step 80 on
        mean = decay * mean + (1 - decay) * network.weight.detach()
        assert torch.allclose(average.mean.weight, mean, rtol=1e-12), step


def test_running_statistics_are_averaged_as_weights_are_and_counters_copied() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.BatchNorm2d(2)).double()
    norm: Any = network[0]
    average = WeightAverage(network, decay=0.5)
    kept: Any = average.mean[0]
    mean, var = norm.running_mean.clone(), norm.running_var.clone()
    for step in range(1, 21):
        network(5 + 3 * torch.randn(4, 2, 3, 3, dtype=torch.float64))
        average.update(step)
        decay = min(0.5, (1 + step) / (10 + step))
        mean = decay * mean + (1 - decay) * norm.running_mean
        var = decay * var + (1 - decay) * norm.running_var
        assert torch.allclose(kept.running_mean, mean, rtol=1e-12), step
        assert torch.allclose(kept.running_var, var, rtol=1e-12), step
        assert int(kept.num_batches_tracked) == step


def test_other_buffers_are_copied() -> None:
    """The vectors of spectral norm have to stay of length 1; a mean of such is shorter."""
    torch.manual_seed(0)
    network = nn.utils.parametrizations.spectral_norm(nn.Linear(3, 2))
    average = WeightAverage(network, decay=0.9)
    for step in range(1, 4):
        moved(network)
        network(torch.randn(1, 3))
        average.update(step)
        newest = dict(network.named_buffers())
        assert newest
        for name, buffer in average.mean.named_buffers():
            assert torch.equal(buffer, newest[name]), name


def test_the_mean_is_for_use_alone() -> None:
    average = WeightAverage(nn.BatchNorm2d(2), decay=0.9)
    assert not average.mean.training
    assert not any(weight.requires_grad for weight in average.mean.parameters())


def test_training_with_it_averages_the_generators_and_changes_nothing_else() -> None:
    jobs = {decay: tiny_job(train={"ema": decay}) for decay in (0.0, 0.5)}
    trained = {decay: TrainingStep(job) for decay, job in jobs.items()}
    plain, averaged = jobs[0.0].method.networks, jobs[0.5].method.networks
    mean = {name: averaged[name].state_dict() for name in averaged}
    mean = {name: {k: v.clone() for k, v in weights.items()} for name, weights in mean.items()}
    for number, batches in enumerate(steps_of(jobs[0.0], 3)):
        for step in trained.values():
            step(number, batches)
        decay = min(0.5, (2 + number) / (11 + number))
        for name in ("generator_ab", "generator_ba"):
            for key, weight in averaged[name].state_dict().items():
                mean[name][key] = decay * mean[name][key] + (1 - decay) * weight

    for name, network in plain.items():
        for key, weight in network.state_dict().items():
            assert torch.equal(averaged[name].state_dict()[key], weight), (name, key)
    used = trained[0.5].for_use()
    for name in ("generator_ab", "generator_ba"):
        for key, weight in used[name].state_dict().items():
            assert torch.allclose(weight, mean[name][key], rtol=1e-5, atol=1e-8), (name, key)
    assert used["discriminator_a"] is averaged["discriminator_a"]
    assert trained[0.5].translators()["ab"] is used["generator_ab"]
    assert trained[0.0].translators()["ab"] is plain["generator_ab"]


@pytest.mark.parametrize(("decay", "norm"), [(0.0, "instance"), (0.9, "batch")])
def test_a_step_goes_on_from_its_state_bit_for_bit(decay: float, norm: str) -> None:
    settings = {
        "train": {"ema": decay},
        "method": {"type": "cyclegan", "pool_size": 1},
        "generator": {"norm": norm},
    }
    whole, first, second = (TrainingStep(tiny_job(**settings)) for _ in range(3))
    steps = list(enumerate(steps_of(whole.job, 4)))
    for number, batches in steps:
        whole(number, batches)
    for number, batches in steps[:2]:
        first(number, batches)
    saved = {name: network.state_dict() for name, network in first.for_use().items()}
    second.load_state(saved, first.state())
    for number, batches in steps[2:]:
        second(number, batches)

    for mine, theirs in (
        (whole.for_use(), second.for_use()),
        (whole.method.networks, second.method.networks),
    ):
        for name, network in mine.items():
            for key, weight in network.state_dict().items():
                assert torch.equal(theirs[name].state_dict()[key], weight), (name, key)
    assert whole.state().keys() == second.state().keys()
    for key, value in whole.state().items():
        assert torch.equal(second.state()[key], value), key
