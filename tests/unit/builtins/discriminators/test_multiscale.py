"""Against Wang et al. 2018 (pix2pixHD), section 3.2."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from gantrans.api.discriminator import Discriminator
from gantrans.errors import PluginError
from gantrans.plugin.registry import Registry
from gantrans.training.step import TrainingStep
from tiny_run import steps_of, tiny_job

SMALL = {"type": "patchgan", "width": 4, "layers": 2}


def multiscale(builtins: Registry, **settings: Any) -> Discriminator:
    torch.manual_seed(0)
    config = builtins.config("discriminator", "multiscale", settings)
    made: Discriminator = config.build(in_channels=3)
    return made


def judges(network: Discriminator) -> list[Discriminator]:
    """The outermost discriminators inside."""
    return [m for m in network.modules() if isinstance(m, Discriminator)][1:]


@pytest.mark.parametrize("scales", [1, 2, 4])
def test_each_size_is_an_average_of_the_one_before_and_has_a_judge_of_its_own(
    builtins: Registry, scales: int
) -> None:
    network = multiscale(builtins, scales=scales, each=SMALL)
    x = torch.rand(2, 3, 100, 131) * 2 - 1
    scores = network(x)
    assert len(scores) == len(judges(network)) == scales
    for judge, found in zip(judges(network), scores, strict=True):
        assert torch.allclose(found, judge(x), atol=1e-6)
        # Where the window sticks out, the sum is divided by the pixels that are inside.
        inside = F.avg_pool2d(torch.ones_like(x), 3, 2, 1, count_include_pad=True)
        x = F.avg_pool2d(x, 3, 2, 1, count_include_pad=True) / inside


def test_the_judges_have_the_same_structure_and_different_weights(builtins: Registry) -> None:
    first, second, third = (
        dict(judge.named_parameters()) for judge in judges(multiscale(builtins, each=SMALL))
    )
    assert {k: v.shape for k, v in first.items()} == {k: v.shape for k, v in third.items()}
    assert not torch.equal(first["layers.0.weight"], second["layers.0.weight"])


def test_three_patchgans_are_the_default(builtins: Registry) -> None:
    with torch.device("meta"):
        network = multiscale(builtins)
    assert sum(weight.numel() for weight in network.parameters()) == 3 * 2_764_737


@pytest.mark.parametrize("scales", [1, 2, 3])
@pytest.mark.parametrize("layers", [1, 2])
def test_min_size_is_the_smallest_side_of_which_the_coarsest_size_fits(
    builtins: Registry, scales: int, layers: int
) -> None:
    network = multiscale(builtins, scales=scales, each=SMALL | {"layers": layers})
    side = network.min_size
    assert all(scores.numel() for scores in network(torch.zeros(1, 3, side, side)))
    with pytest.raises((RuntimeError, ValueError)):
        network(torch.zeros(1, 3, side - 1, side - 1))


@pytest.mark.parametrize(("layers", "sides"), [(1, [16, 33, 67]), (3, [70, 141, 283])])
def test_each_size_sees_twice_as_much_of_the_image(
    builtins: Registry, layers: int, sides: list[int]
) -> None:
    each = {"type": "patchgan", "width": 2, "layers": layers, "norm": "none"}
    network = multiscale(builtins, each=each)
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.constant_(layer.weight, 0.01)  # no gradient can cancel
    image = torch.full((1, 3, 480, 480), 0.5, requires_grad=True)
    for scores, side in zip(network(image), sides, strict=True):
        middle = scores.shape[2] // 2
        [gradient] = torch.autograd.grad(scores[0, 0, middle, middle], image, retain_graph=True)
        assert len(gradient[0].abs().sum(0).any(1).nonzero()) == side


def test_it_couples_a_batch_if_its_judges_do(builtins: Registry) -> None:
    assert not multiscale(builtins, each=SMALL).couples_batch
    assert multiscale(builtins, each=SMALL | {"norm": "batch"}).couples_batch


def test_a_judge_with_several_maps_adds_them_all(builtins: Registry) -> None:
    inner = {"type": "multiscale", "scales": 2, "each": SMALL}
    network = multiscale(builtins, scales=2, each=inner)
    sizes = [scores.shape[2:] for scores in network(torch.rand(1, 3, 96, 96))]
    assert sizes == [(22, 22), (10, 10), (10, 10), (4, 4)]


def test_a_run_trains_every_scale() -> None:
    job = tiny_job(
        data={"size": 48},
        discriminator={"type": "multiscale", "scales": 2, "each": SMALL}
        | {"width": None, "layers": None},
    )
    network = job.method.networks["discriminator_a"]
    before = {name: weight.clone() for name, weight in network.named_parameters()}
    [batches] = steps_of(job, 1)
    TrainingStep(job)(0, batches)
    moved = {
        name.rpartition("layers")[0]
        for name, weight in network.named_parameters()
        if not torch.equal(weight, before[name])
    }
    assert len(moved) == 2


def test_a_wrong_setting_of_the_judges_is_named_with_its_place(builtins: Registry) -> None:
    with pytest.raises(PluginError, match=r"each\.wdth: unknown key; did you mean 'width'"):
        multiscale(builtins, each={"type": "patchgan", "wdth": 3})
    with pytest.raises(PluginError, match="scales: must be at least 1"):
        multiscale(builtins, scales=0)
