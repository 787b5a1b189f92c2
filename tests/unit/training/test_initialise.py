from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from gantrans.training.initialise import initialise
from tiny_run import tiny_job


@pytest.mark.parametrize(
    "layer",
    [nn.Conv2d(64, 64, 3), nn.ConvTranspose2d(64, 64, 3), nn.Linear(200, 180)],
    ids=lambda layer: type(layer).__name__,
)
def test_weights_are_normal_with_standard_deviation_002_and_biases_0(layer: nn.Module) -> None:
    initialise(layer, seed=0, name="generator_ab")
    weights = layer.weight.detach()
    count = weights.numel()
    # Five standard errors of the mean and of the standard deviation.
    assert abs(float(weights.mean())) < 5 * 0.02 / math.sqrt(count)
    assert abs(float(weights.std()) - 0.02) < 5 * 0.02 / math.sqrt(2 * count)
    beyond_2_sigma = float((weights.abs() > 0.04).float().mean())
    assert beyond_2_sigma == pytest.approx(0.0455, abs=0.007)  # of a normal distribution
    assert not layer.bias.any()


def test_the_scale_of_a_normalisation_is_drawn_around_1() -> None:
    norm = nn.BatchNorm2d(10_000)
    nn.init.ones_(norm.bias)
    initialise(norm, seed=0, name="x")
    assert float(norm.weight.detach().mean()) == pytest.approx(1, abs=0.001)
    assert float(norm.weight.detach().std()) == pytest.approx(0.02, abs=0.001)
    assert not norm.bias.any()


def test_the_draw_depends_on_the_seed_and_the_name_alone() -> None:
    def drawn(seed: int, name: str, torch_seed: int) -> torch.Tensor:
        torch.manual_seed(torch_seed)
        layer = nn.Conv2d(3, 8, 3)
        initialise(layer, seed, name)
        return layer.weight.detach()

    first = drawn(0, "generator_ab", torch_seed=1)
    assert torch.equal(drawn(0, "generator_ab", torch_seed=2), first)
    assert not torch.equal(drawn(1, "generator_ab", torch_seed=1), first)
    assert not torch.equal(drawn(0, "generator_ba", torch_seed=1), first)


def test_torchs_own_generator_is_left_alone() -> None:
    layer = nn.Conv2d(3, 8, 3)
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    initialise(layer, seed=0, name="x")
    assert torch.equal(torch.rand(2), expected)


def test_the_networks_of_a_run_begin_apart_and_whatever_else_is_in_the_spec() -> None:
    job, other = tiny_job(), tiny_job(losses={"identity": None}, train={"batch_size": 3})
    begun = {
        name: n.state_dict()["layers.1.weight"]
        for name, n in job.method.networks.items()
        if "generator" in name
    }
    assert not torch.equal(begun["generator_ab"], begun["generator_ba"])
    for name, weight in begun.items():
        assert torch.equal(other.method.networks[name].state_dict()["layers.1.weight"], weight)
