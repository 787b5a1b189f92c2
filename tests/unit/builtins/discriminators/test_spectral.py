"""Against Miyato et al. 2018: after it, the largest singular value of each layer is 1."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import gantrans
from gantrans.api.discriminator import Discriminator
from gantrans.inference.weights import load_tensors, save_tensors
from gantrans.plugin.registry import Registry
from gantrans.spec.model import Init
from gantrans.training.initialise import initialise
from gantrans.training.step import TrainingStep
from tiny_run import steps_of, tiny_job, tiny_spec

PATCHGAN = {"type": "patchgan", "width": 8, "layers": 2, "spectral": True}
PIXEL = {"type": "pixel", "width": 8, "spectral": True}
ALL = {
    "patchgan": PATCHGAN,
    "pixel": PIXEL,
    "multiscale": {"type": "multiscale", "scales": 2, "each": PATCHGAN},
}
EVERY = pytest.mark.parametrize("table", ALL.values(), ids=ALL.keys())


def build(builtins: Registry, table: dict[str, Any]) -> Discriminator:
    torch.manual_seed(0)
    made: Discriminator = builtins.config("discriminator", table["type"], table).build(
        in_channels=3
    )
    return made


def layers(network: nn.Module) -> list[Any]:
    return [m for m in network.modules() if isinstance(m, nn.Conv2d)]


def norms(network: nn.Module) -> list[float]:
    """The largest singular value of each layer's weight as it is used, as (out, in k k)."""
    network = copy.deepcopy(network).eval()
    weights = [layer.weight.detach().double().flatten(1) for layer in layers(network)]
    return [float(torch.linalg.svdvals(weight)[0]) for weight in weights]


def images(count: int = 2) -> Tensor:
    return torch.rand(count, 3, 32, 32, generator=torch.Generator().manual_seed(1)) * 2 - 1


def maps(network: Discriminator, x: Tensor) -> list[Tensor]:
    with torch.no_grad():
        scores = network(x)
    return [scores] if isinstance(scores, Tensor) else list(scores)


@EVERY
@pytest.mark.parametrize("scheme", ["normal", "xavier", "kaiming", "orthogonal"])
def test_right_after_the_initialisation_every_layer_has_norm_1(
    builtins: Registry, table: dict[str, Any], scheme: Any
) -> None:
    network = build(builtins, table)
    initialise(network, Init(scheme=scheme, gain=0.3), seed=0, name="discriminator_a")
    assert norms(network) == pytest.approx([1.0] * len(layers(network)), abs=0.02)


def test_a_layer_of_the_published_width_is_known_as_well(builtins: Registry) -> None:
    network = build(builtins, {"type": "patchgan", "spectral": True, "width": 64, "layers": 2})
    initialise(network, Init(), seed=0, name="discriminator_a")
    assert norms(network) == pytest.approx([1.0] * 4, abs=0.02)


def test_the_drawn_weights_are_those_of_a_network_without_it(builtins: Registry) -> None:
    with_it, without = build(builtins, PATCHGAN), build(builtins, PATCHGAN | {"spectral": False})
    for network in (with_it, without):
        initialise(network, Init(), seed=0, name="discriminator_a")
    for spectral, plain in zip(layers(with_it), layers(without), strict=True):
        drawn = spectral.parametrizations.weight.original
        assert torch.equal(drawn, plain.weight)
        assert not spectral.bias.any()
        used = plain.weight / torch.linalg.svdvals(plain.weight.flatten(1))[0]
        assert torch.allclose(spectral.weight, used, rtol=0.02, atol=1e-5)


@EVERY
def test_after_steps_of_training_every_layer_has_norm_1_still(table: dict[str, Any]) -> None:
    nothing = {"width": None, "layers": None} if table["type"] == "multiscale" else {}
    job = tiny_job(discriminator={"layers": None} | table | nothing, data={"size": 32, "train": 12})
    training = TrainingStep(job)
    network = job.method.networks["discriminator_b"]
    before = [weight.clone() for weight in network.parameters()]
    for number, batches in enumerate(steps_of(job, 10)):
        training(number, batches)
    assert not any(
        torch.equal(old, new)
        for old, new in zip(before, network.parameters(), strict=True)
        if old.dim() > 1
    )
    assert norms(network) == pytest.approx([1.0] * len(layers(network)), abs=0.02)


def test_there_are_no_more_parameters_than_without(builtins: Registry) -> None:
    with_it, without = build(builtins, PATCHGAN), build(builtins, PATCHGAN | {"spectral": False})
    shapes = [sorted(w.shape for w in n.parameters()) for n in (with_it, without)]
    assert shapes[0] == shapes[1]


@EVERY
def test_in_use_nothing_changes_and_in_training_the_vectors_follow(
    builtins: Registry, table: dict[str, Any]
) -> None:
    network = build(builtins, table)
    nn.init.normal_(layers(network)[0].parametrizations.weight.original)
    network.eval()
    before = copy.deepcopy(network.state_dict())
    first = maps(network, images())
    assert all(map(torch.equal, first, maps(network, images())))
    after = network.state_dict()
    assert all(torch.equal(value, before[key]) for key, value in after.items())
    network.train()
    maps(network, images())
    moved = [
        key for key, value in network.state_dict().items() if not torch.equal(value, before[key])
    ]
    assert moved
    assert all(key.endswith(("_u", "_v")) for key in moved)


@EVERY
def test_a_copy_gives_the_same_and_goes_its_own_way(
    builtins: Registry, table: dict[str, Any]
) -> None:
    network = build(builtins, table).eval()
    twin = copy.deepcopy(network)
    assert all(map(torch.equal, maps(network, images()), maps(twin, images())))
    with torch.no_grad():
        for weight in twin.parameters():
            weight.add_(torch.randn_like(weight))
    assert not torch.equal(maps(network, images())[0], maps(twin, images())[0])


@EVERY
def test_a_file_of_its_weights_has_all_that_it_needs(
    builtins: Registry, table: dict[str, Any], tmp_path: Path
) -> None:
    network = build(builtins, table)
    initialise(network, Init(), seed=0, name="discriminator_a")
    save_tensors(tmp_path / "d.safetensors", network.state_dict())
    other = build(builtins, table)
    other.load_state_dict(load_tensors(tmp_path / "d.safetensors", "cpu"))
    for training in (False, True):  # in training, both take the same step of the iteration
        network.train(training)
        other.train(training)
        assert all(map(torch.equal, maps(network, images()), maps(other, images())))


@EVERY
def test_it_can_be_built_on_the_meta_device(builtins: Registry, table: dict[str, Any]) -> None:
    with torch.device("meta"):
        network = build(builtins, table)
    assert all(tensor.is_meta for tensor in network.state_dict().values())


def test_a_resumed_run_equals_one_that_went_through(tmp_path: Path) -> None:
    spec = tiny_spec(
        discriminator=PATCHGAN | {"width": 4},
        data={"train": 3},
        metrics={},
        train={"checkpoint_every": 1, "keep_last": 9, "sample_every": 0},
    )
    whole = gantrans.run(spec, run_dir=tmp_path / "whole", device="cpu")
    begun = gantrans.run(spec, run_dir=tmp_path / "begun", device="cpu")
    third = begun.path / "checkpoints" / "step-00000003"
    gantrans.run(resume=third, device="cpu")
    for file in sorted((whole.path / "checkpoints" / "step-00000006").glob("*.safetensors")):
        again = begun.path / "checkpoints" / "step-00000006" / file.name
        assert again.read_bytes() == file.read_bytes(), file.name
    vectors = load_tensors(third / "discriminator_a.safetensors", "cpu")
    assert sum(key.endswith("_u") for key in vectors) == 4


def test_a_step_in_bf16_is_one_in_float32_with_fewer_digits() -> None:
    terms = {}
    for precision in ("fp32", "bf16"):
        job = tiny_job(discriminator=PATCHGAN, train={"precision": precision})
        [batches] = steps_of(job, 1)
        terms[precision] = TrainingStep(job)(0, batches)
        assert norms(job.method.networks["discriminator_a"])[0] == pytest.approx(1, abs=0.02)
    for curve, value in terms["bf16"].items():
        assert float(value) == pytest.approx(float(terms["fp32"][curve]), rel=0.1, abs=0.02)
