"""Recomputing blocks: the same gradients, from fewer tensors that are kept."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from gantrans.api.generator import Generator
from gantrans.api.recompute import may_run_twice, recomputed
from gantrans.builtins.generators.resnet import ResNet
from gantrans.plugin.manager import load_registry
from gantrans.training.ema import WeightAverage
from gantrans.training.step import TrainingStep
from tiny_run import steps_of, tiny_job

X = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(1)) * 2 - 1


def resnet(recompute: bool, **settings: Any) -> ResNet:
    torch.manual_seed(0)
    settings = {"width": 4, "blocks": 3, "dropout": 0.5, **settings}
    config = load_registry().config("generator", "resnet", settings)
    network: ResNet = config.build(in_channels=3, out_channels=3)
    network.recompute = recompute
    return network


def run(
    network: nn.Module, call: Callable[[], list[Tensor]]
) -> tuple[int, list[Tensor], list[Tensor]]:
    """How many numbers are kept for the gradients, what `call` gives, and the gradients."""
    kept: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        kept[tensor.data_ptr()] = tensor.numel()
        return tensor

    torch.manual_seed(3)
    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        results = call()
    torch.autograd.backward([(y.float() ** 2).mean() for y in results])
    gradients = [w.grad for w in network.parameters() if w.grad is not None]
    return sum(kept.values()), results, gradients


def both(call: Callable[[ResNet], list[Tensor]], **settings: Any) -> None:
    """With and without: the same to the last bit, and less kept."""
    plain, less = resnet(False, **settings), resnet(True, **settings)
    kept, results, gradients = run(plain, lambda: call(plain))
    kept_less, same_results, same_gradients = run(less, lambda: call(less))
    assert len(gradients) == len(same_gradients)
    for one, other in zip([*results, *gradients], [*same_results, *same_gradients], strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)
    assert kept_less < 0.7 * kept


def test_a_translation_has_the_same_gradients_with_dropout_too() -> None:
    both(lambda network: [network(X)])


def test_features_and_their_gradients_are_the_same() -> None:
    layers = ("down2", "block1", "block3")

    def call(network: ResNet) -> list[Tensor]:
        image, features = network.forward_with_features(X, layers)
        return [image, *features.values(), *network.encoder_features(X, layers).values()]

    both(call)


def test_it_is_the_same_under_bf16_autocast() -> None:
    def call(network: ResNet) -> list[Tensor]:
        with torch.autocast("cpu", torch.bfloat16):
            return [network(X)]

    both(call)


def test_it_can_be_compiled() -> None:
    plain, less = resnet(False, dropout=0.0), resnet(True, dropout=0.0)
    _, expected, gradients = run(plain, lambda: [plain(X)])
    compiled = torch.compile(less, backend="aot_eager", fullgraph=True)
    _, found, found_gradients = run(less, lambda: [compiled(X)])
    for one, other in zip([*expected, *gradients], [*found, *found_gradients], strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)


def test_where_no_gradient_is_computed_nothing_is_run_twice() -> None:
    calls = []

    class Counted(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            calls.append(1)
            return x.sin()

    with torch.no_grad():
        recomputed(Counted(), X, True)
    assert len(calls) == 1
    recomputed(Counted(), X.clone().requires_grad_(), True).sum().backward()
    assert len(calls) == 3  # and once more for the gradient


def test_running_statistics_would_be_updated_twice() -> None:
    assert may_run_twice([nn.Sequential(nn.Conv2d(1, 1, 1), nn.InstanceNorm2d(1))])
    assert not may_run_twice([nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1)])
    assert resnet(False).recomputes
    assert not resnet(False, norm="batch").recomputes


def test_a_mean_of_the_weights_translates_as_the_network_does() -> None:
    network = resnet(True, dropout=0.0)
    mean = WeightAverage(network, 0.9).mean
    assert isinstance(mean, Generator)
    torch.testing.assert_close(mean(X), copy.deepcopy(network).eval()(X), rtol=0, atol=0)


@pytest.mark.parametrize("recompute", [True, False])
def test_training_tells_every_generator(recompute: bool) -> None:
    job = tiny_job(train={"recompute": recompute})
    assert [g.recompute for g in job.method.generators.values()] == [recompute] * 2


def test_a_training_step_is_the_same() -> None:
    ends = []
    for recompute in (False, True):
        job = tiny_job(train={"recompute": recompute}, generator={"dropout": 0.5})
        training = TrainingStep(job)
        for step, loaded in enumerate(steps_of(job, 2)):
            terms = training(step, loaded)
        weights = {
            f"{name}.{key}": value.clone()
            for name, network in job.method.networks.items()
            for key, value in network.state_dict().items()
        }
        ends.append({**terms, **weights})
    assert ends[0].keys() == ends[1].keys()
    for key, value in ends[0].items():
        torch.testing.assert_close(value, ends[1][key], rtol=0, atol=1e-6, msg=key)
