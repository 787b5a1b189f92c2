from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from gantrans.api.randomness import derived_seed
from gantrans.errors import SpecError
from gantrans.plugin.registry import Registry
from gantrans.spec.model import Init
from gantrans.training.initialise import initialise
from tiny_run import tiny_job

RANDOM = ("normal", "xavier", "kaiming")


def before_there_was_a_choice(network: nn.Module, seed: int, name: str) -> None:
    """What the first version did: a run of then must begin with the same weights now."""
    random = torch.Generator().manual_seed(derived_seed(seed, "initialise", name))
    with torch.no_grad():
        for module in network.modules():
            weight, bias = getattr(module, "weight", None), getattr(module, "bias", None)
            if isinstance(weight, nn.Parameter):
                convolves = weight.dim() > 1
                weight.copy_(torch.randn(weight.shape, generator=random) * 0.02 + (not convolves))
            if isinstance(bias, nn.Parameter):
                bias.zero_()


@pytest.mark.parametrize(
    ("kind", "table"),
    [
        ("generator", {"type": "resnet", "width": 4, "norm": "batch"}),
        ("generator", {"type": "resnet", "width": 4, "upsample": "nearest"}),
        ("discriminator", {"type": "patchgan", "width": 4, "norm": "group"}),
    ],
)
def test_the_default_gives_the_weights_that_it_always_gave(
    builtins: Registry, kind: Any, table: dict[str, Any]
) -> None:
    ends = {"in_channels": 3} | ({"out_channels": 3} if kind == "generator" else {})
    config = builtins.config(kind, table["type"], table)
    network, before = config.build(**ends), config.build(**ends)
    initialise(network, Init(), 7, "generator_ab")
    before_there_was_a_choice(before, 7, "generator_ab")
    for key, value in before.state_dict().items():
        assert torch.equal(network.state_dict()[key], value), key


@pytest.mark.parametrize(
    "layer",
    [nn.Conv2d(64, 64, 3), nn.ConvTranspose2d(64, 64, 3), nn.Linear(200, 180)],
    ids=lambda layer: type(layer).__name__,
)
def test_weights_are_normal_with_standard_deviation_002_and_biases_0(layer: nn.Module) -> None:
    initialise(layer, Init(), seed=0, name="generator_ab")
    weights = layer.weight.detach()
    count = weights.numel()
    # Five standard errors of the mean and of the standard deviation.
    assert abs(float(weights.mean())) < 5 * 0.02 / math.sqrt(count)
    assert abs(float(weights.std()) - 0.02) < 5 * 0.02 / math.sqrt(2 * count)
    beyond_2_sigma = float((weights.abs() > 0.04).float().mean())
    assert beyond_2_sigma == pytest.approx(0.0455, abs=0.007)  # of a normal distribution
    assert not layer.bias.any()


@pytest.mark.parametrize("scheme", [*RANDOM, "orthogonal"])
def test_the_scale_of_a_normalisation_is_drawn_around_1(scheme: Any) -> None:
    norm = nn.BatchNorm2d(10_000)
    nn.init.ones_(norm.bias)
    initialise(norm, Init(scheme=scheme, gain=3), seed=0, name="x")
    assert float(norm.weight.detach().mean()) == pytest.approx(1, abs=0.001)
    assert float(norm.weight.detach().std()) == pytest.approx(0.02, abs=0.001)
    assert not norm.bias.any()


def test_the_draw_depends_on_the_seed_and_the_name_alone() -> None:
    def drawn(seed: int, name: str, torch_seed: int) -> torch.Tensor:
        torch.manual_seed(torch_seed)
        layer = nn.Conv2d(3, 8, 3)
        initialise(layer, Init(), seed, name)
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
    initialise(layer, Init(), seed=0, name="x")
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


LAYERS: dict[str, Callable[[], Any]] = {
    "convolution": lambda: nn.Conv2d(6, 10, 3, padding=1),
    "that halves": lambda: nn.Conv2d(8, 16, 4, stride=2, padding=1),
    "transposed, 3 x 3": lambda: nn.ConvTranspose2d(8, 4, 3, stride=2, padding=1, output_padding=1),
    "transposed, 4 x 4": lambda: nn.ConvTranspose2d(16, 8, 4, stride=2, padding=1),
    "in groups": lambda: nn.Conv2d(8, 12, 3, padding=1, groups=4),
    "transposed in groups": lambda: nn.ConvTranspose2d(8, 12, 4, stride=2, padding=1, groups=4),
}


def connections(layer: Any) -> tuple[float, float]:
    """Counted: how many inputs meet in an output, and how many outputs an input reaches.

    With all weights 1 and ones as input, an output is the number of inputs that it is made of; the
    gradient of the sum of all outputs is the number of outputs that an input is part of.
    """
    nn.init.ones_(layer.weight)
    nn.init.zeros_(layer.bias)
    x = torch.ones(1, layer.in_channels, 24, 24, requires_grad=True)
    y = layer(x)
    y.sum().backward()
    assert x.grad is not None
    inside = (..., slice(4, 8), slice(4, 8))  # away from the border, at every phase of a stride
    return float(y.detach()[inside].mean()), float(x.grad[inside].mean())


@pytest.mark.parametrize("make", LAYERS.values(), ids=LAYERS.keys())
@pytest.mark.parametrize("scheme", RANDOM)
def test_the_variance_follows_from_the_connections_of_a_layer(
    make: Callable[[], Any], scheme: Any
) -> None:
    inputs, outputs = connections(make())
    variance = {
        "normal": 1.0,
        "xavier": 2 / (inputs + outputs),
        "kaiming": 2 / inputs,
    }[scheme]
    layers = [make() for _ in range(10)]
    for seed, layer in enumerate(layers):
        initialise(layer, Init(scheme=scheme, gain=1.5), seed=seed, name="x")
    weights = torch.cat([layer.weight.detach().flatten() for layer in layers])
    expected = 1.5 * math.sqrt(variance)
    assert float(weights.std()) == pytest.approx(
        expected, abs=5 * expected / math.sqrt(2 * weights.numel())
    )
    assert not any(layer.bias.any() for layer in layers)


@pytest.mark.parametrize(
    "make",
    [
        lambda: nn.Conv2d(64, 96, 3, padding=1),
        lambda: nn.Conv2d(64, 96, 4, stride=2, padding=1),
        lambda: nn.ConvTranspose2d(96, 64, 3, stride=2, padding=1, output_padding=1),
        lambda: nn.ConvTranspose2d(96, 64, 4, stride=2, padding=1),
        lambda: nn.Linear(512, 300),
    ],
    ids=["3 x 3", "halves", "doubles, 3 x 3", "doubles, 4 x 4", "linear"],
)
def test_with_kaiming_a_layer_keeps_the_power_of_what_comes_through_a_relu(
    make: Callable[[], Any],
) -> None:
    """For x of variance 1 around 0, ReLU(x) has the mean square 1/2, and y = W ReLU(x) again 1."""
    layer = make()
    initialise(layer, Init(scheme="kaiming"), seed=0, name="x")
    random = torch.Generator().manual_seed(1)
    shape = (64, 512) if isinstance(layer, nn.Linear) else (2, layer.in_channels, 32, 32)
    y = layer(F.relu(torch.randn(shape, generator=random))).detach()
    inside = y if y.dim() == 2 else y[..., 4:-4, 4:-4]
    assert float(inside.square().mean()) == pytest.approx(1, rel=0.1)


@pytest.mark.parametrize("gain", [None, 0.5])
@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(8, 16, 3),
        nn.Conv2d(2, 64, 3),
        nn.ConvTranspose2d(16, 8, 4),
        nn.Linear(20, 20),
    ],
    ids=lambda layer: "x".join(map(str, layer.weight.shape)),
)
def test_an_orthogonal_weight_has_orthonormal_rows_or_columns(
    layer: Any, gain: float | None
) -> None:
    initialise(layer, Init(scheme="orthogonal", gain=gain), seed=0, name="x")
    matrix = layer.weight.detach().double().flatten(1)
    rows, columns = matrix.shape
    product = matrix @ matrix.T if rows <= columns else matrix.T @ matrix
    expected = (gain or 1.0) ** 2 * torch.eye(min(rows, columns), dtype=torch.float64)
    assert torch.allclose(product, expected, atol=1e-5)


def test_an_orthogonal_transposed_convolution_without_overlap_keeps_lengths() -> None:
    layer = nn.ConvTranspose2d(16, 8, 2, stride=2)
    initialise(layer, Init(scheme="orthogonal"), seed=0, name="x")
    x = torch.randn(3, 16, 5, 5, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(layer(x).norm(), x.norm(), rtol=1e-5)


def test_orthogonal_weights_point_everywhere_alike() -> None:
    """The mean over many draws is 0, also on the diagonal, where QR alone prefers a sign."""
    layer = nn.Linear(4, 4)
    total = torch.zeros(4, 4)
    for seed in range(400):
        initialise(layer, Init(scheme="orthogonal"), seed=seed, name="x")
        total += layer.weight.detach()
    assert float((total / 400).abs().max()) < 5 * 0.5 / math.sqrt(400)  # each entry varies by 1/2


@pytest.mark.parametrize(("scheme", "gain"), [("normal", 0.02), ("xavier", 1), ("kaiming", 1)])
def test_an_absent_gain_is_that_of_the_scheme(scheme: Any, gain: float) -> None:
    def drawn(init: Init) -> Tensor:
        layer = nn.Conv2d(3, 8, 3)
        initialise(layer, init, seed=0, name="x")
        return layer.weight.detach()

    assert torch.equal(drawn(Init(scheme=scheme)), drawn(Init(scheme=scheme, gain=gain)))


def test_a_weight_with_a_norm_of_its_own_is_drawn_too() -> None:
    layer = weight_norm(nn.Conv2d(8, 8, 3))
    plain = nn.Conv2d(8, 8, 3)
    for one in (layer, plain):
        initialise(one, Init(), seed=0, name="x")
    assert torch.allclose(layer.weight, plain.weight, atol=1e-7)


def test_parts_that_bring_their_own_weights_keep_them() -> None:
    class Own(nn.Sequential):
        own_weights = True

    network = nn.Sequential(nn.Linear(3, 3), Own(nn.Linear(3, 3)), nn.Linear(3, 3))
    alone = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    before = network[1][0].weight.detach().clone()
    initialise(network, Init(), seed=0, name="x")
    initialise(alone, Init(), seed=0, name="x")
    assert torch.equal(network[1][0].weight, before)
    assert torch.equal(network[0].weight, alone[0].weight)
    assert torch.equal(network[2].weight, alone[1].weight)  # nothing was drawn for the own ones

    whole = Own(nn.Linear(3, 3))
    before = whole[0].bias.detach().clone()
    initialise(whole, Init(), seed=0, name="x")
    assert torch.equal(whole[0].bias, before)


def test_a_run_uses_what_its_spec_says_for_every_network() -> None:
    job = tiny_job(init={"scheme": "orthogonal", "gain": 0.5})
    for name, network in job.method.networks.items():
        for layer in network.modules():
            if isinstance(layer, nn.Conv2d):
                sizes = torch.linalg.svdvals(layer.weight.detach().flatten(1))
                assert torch.allclose(sizes, torch.tensor(0.5), atol=1e-4), name


def test_what_is_wrong_with_the_table_is_said_with_its_place() -> None:
    with pytest.raises(SpecError) as caught:
        tiny_job(init={"scheme": "xavvier", "gain": 0, "std": 0.02})
    message = str(caught.value)
    assert "init.scheme: must be 'normal', 'xavier', 'kaiming' or 'orthogonal'" in message
    assert "did you mean 'xavier'" in message
    assert "init.gain: must be greater than 0; found 0" in message
    assert "init.std: unknown key" in message


def test_what_is_no_layer_of_torchs_own_products_and_norms_stays_as_it_was_built() -> None:
    class Own(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.full((3, 3), 7.0))

    network = nn.ModuleDict(
        {"slope": nn.PReLU(), "words": nn.Embedding(4, 3), "own": Own(), "even": nn.Linear(3, 3)}
    )
    before = {name: weight.clone() for name, weight in network.named_parameters()}
    initialise(network, Init(), 0, "network")
    same = {n for n, weight in network.named_parameters() if torch.equal(weight, before[n])}
    assert same == {"slope.weight", "words.weight", "own.weight"}


def test_the_scale_of_a_layer_norm_of_several_axes_is_drawn_around_1() -> None:
    norm = nn.LayerNorm([4, 8, 8])
    initialise(norm, Init(), 0, "norm")
    assert norm.weight.mean().item() == pytest.approx(1, abs=0.005)
    assert norm.weight.std().item() == pytest.approx(0.02, rel=0.2)
    assert not norm.bias.any()


def test_what_a_network_has_frozen_is_not_drawn() -> None:
    """Of a layer, only that: a frozen shift leaves the scale to be drawn."""
    network = nn.Sequential(
        weight_norm(nn.Conv2d(2, 3, 3, bias=False)).requires_grad_(False), nn.BatchNorm2d(3)
    )
    network[1].bias.requires_grad_(False).fill_(5.0)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    initialise(network, Init(), seed=0, name="network")
    after = network.state_dict()
    drawn = {key for key, value in after.items() if not torch.equal(value, before[key])}
    assert drawn == {"1.weight"}
