from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from gantrans.api.network import encode, judge, translate, translate_and_encode
from gantrans.errors import PluginError


class Counting(nn.Module):
    """Doubles its input, in `dtype`, as one map or on several scales; notes its batches."""

    def __init__(
        self,
        *,
        couples_batch: bool = False,
        scales: int = 0,
        dtype: torch.dtype = torch.float32,
        channels: int = 3,
    ) -> None:
        super().__init__()
        self.couples_batch, self.scales, self.dtype = couples_batch, scales, dtype
        self.name, self.out_channels = "counting", channels
        self.batches: list[int] = []

    def forward(self, x: Tensor) -> Any:
        self.batches.append(len(x))
        y = (2 * x).to(self.dtype)
        return [y[..., ::n, ::n] for n in range(1, self.scales + 1)] if self.scales else y


@pytest.mark.parametrize("run", [translate, lambda network, *images: judge(network, images)])
@pytest.mark.parametrize(
    ("couples_batch", "shapes", "batches"),
    [
        (False, [(1, 3, 8, 8), (1, 3, 8, 8)], [2]),
        (False, [(2, 3, 8, 8), (1, 3, 8, 8), (3, 3, 8, 8)], [6]),
        (False, [(1, 3, 8, 8), (1, 3, 8, 12)], [1, 1]),  # other sizes make no batch
        (True, [(1, 3, 8, 8), (1, 3, 8, 8)], [1, 1]),
        (False, [(2, 3, 8, 8)], [2]),
    ],
)
def test_inputs_are_one_batch_where_that_changes_nothing(
    run: Any, couples_batch: bool, shapes: list[tuple[int, ...]], batches: list[int]
) -> None:
    network: Any = Counting(couples_batch=couples_batch)
    images = [torch.randn(shape) for shape in shapes]
    results = run(network, *images)
    assert network.batches == batches
    for image, result in zip(images, results, strict=True):
        assert torch.equal(result, 2 * image)


def test_scores_of_several_scales_are_given_back_input_by_input() -> None:
    network: Any = Counting(scales=2)
    images = [torch.randn(2, 1, 8, 8), torch.randn(1, 1, 8, 8)]
    for image, scores in zip(images, judge(network, images), strict=True):
        assert [tuple(one.shape) for one in scores] == [
            (len(image), 1, 8, 8),
            (len(image), 1, 4, 4),
        ]
        assert torch.equal(scores[0], 2 * image)
        assert torch.equal(scores[1], 2 * image[..., ::2, ::2])


@pytest.mark.parametrize("scales", [0, 2])
def test_results_are_in_float32_whatever_the_networks_precision(scales: int) -> None:
    network: Any = Counting(dtype=torch.bfloat16, scales=scales, channels=1)
    image = torch.randn(1, 1, 4, 4)
    [scores] = judge(network, [image])
    for one in scores if scales else [scores]:
        assert one.dtype == torch.float32
    if not scales:
        assert translate(network, image)[0].dtype == torch.float32


def test_a_generator_that_gives_other_images_than_it_should_is_named() -> None:
    network: Any = Counting(channels=1)
    with pytest.raises(PluginError, match=r"'counting' made \(2, 3, 8, 8\) .* give \(2, 1, 8, 8\)"):
        translate(network, torch.zeros(2, 3, 8, 8))


class Encoding(Counting):
    """Has the layers "once" (its input) and "half" (every second pixel); notes what it is asked."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.asked: list[tuple[str, ...]] = []
        self.encoded: list[int] = []

    def encoder_features(self, x: Tensor, layers: Collection[str]) -> dict[str, Tensor]:
        self.asked.append(tuple(layers))
        self.encoded.append(len(x))
        known = {"once": x.to(self.dtype), "half": x[..., ::2, ::2].to(self.dtype)}
        return {layer: known[layer] for layer in layers}

    def forward_with_features(
        self, x: Tensor, layers: Collection[str]
    ) -> tuple[Tensor, dict[str, Tensor]]:
        return self(x), self.encoder_features(x, layers)


# Running statistics


class OwnNorm(nn.Module):
    """Puts new tensors in the place of its statistics, where torch's norms write into them."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("running_mean", torch.zeros(3))
        self.register_buffer("calls", torch.zeros((), dtype=torch.long))
        self.running_mean: Tensor
        self.calls: Tensor

    def forward(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            self.running_mean = 0.9 * self.running_mean + 0.1 * x.mean(dim=(0, 2, 3))
            self.calls = self.calls + 1
        return x - x.mean(dim=(0, 2, 3), keepdim=True)


class Normalizing(nn.Module):
    """A convolution, then a norm. Its layer "all" is what it gives."""

    def __init__(self, norm: nn.Module) -> None:
        super().__init__()
        self.name, self.out_channels = "normalizing", 3
        self.couples_batch = not isinstance(norm, nn.InstanceNorm2d)
        torch.manual_seed(0)
        self.convolve, self.norm = nn.Conv2d(3, 3, 1), norm

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.norm(self.convolve(x))
        return y

    def encoder_features(self, x: Tensor, layers: Collection[str]) -> dict[str, Tensor]:
        return dict.fromkeys(layers, self(x))

    def forward_with_features(
        self, x: Tensor, layers: Collection[str]
    ) -> tuple[Tensor, dict[str, Tensor]]:
        y = self(x)
        return y, dict.fromkeys(layers, y)


NORMS: dict[str, Callable[[], nn.Module]] = {
    "batch": lambda: nn.BatchNorm2d(3),
    "batch, a mean over all batches": lambda: nn.BatchNorm2d(3, momentum=None),
    "instance": lambda: nn.InstanceNorm2d(3, track_running_stats=True),
    "a plugin's own": OwnNorm,
}


def draws(count: int) -> list[Tensor]:
    """Images (2, 3, 4, 4), each of another mean and spread."""
    torch.manual_seed(1)
    return [n + n * torch.randn(2, 3, 4, 4) for n in range(1, count + 1)]


def alike(network: nn.Module, other: nn.Module) -> bool:
    """Whether all that both keep, weights and statistics, is the same to the last bit."""
    theirs = other.state_dict()
    return all(torch.equal(mine, theirs[name]) for name, mine in network.state_dict().items())


@pytest.mark.parametrize("norm", NORMS.values(), ids=NORMS)
def test_the_first_images_alone_update_running_statistics(norm: Callable[[], nn.Module]) -> None:
    network, plain = Normalizing(norm()), Normalizing(norm())
    generator: Any = network
    first, second, third, fourth = draws(4)

    translate(generator, first, second, third)
    plain(first)
    assert alike(network, plain)
    translate_and_encode(generator, ["all"], fourth, first)
    plain(fourth)
    assert alike(network, plain)

    translate(generator, second, third, update_statistics=False)
    encode(generator, ["all"], first, second)
    assert alike(network, plain)


@pytest.mark.parametrize("norm", NORMS.values(), ids=NORMS)
def test_keeping_them_changes_neither_results_nor_gradients(norm: Callable[[], nn.Module]) -> None:
    network, plain = Normalizing(norm()), Normalizing(norm())
    images = draws(3)
    generator: Any = network
    made = translate(generator, *images)
    made += translate(generator, made[0], update_statistics=False)
    expected = [plain(image) for image in images]
    expected.append(plain(expected[0]))
    for one, other in zip(made, expected, strict=True):
        assert torch.allclose(one, other, atol=1e-6)
    for results in (made, expected):
        torch.autograd.backward(sum(y[..., 0].square().sum() for y in results))
    for weight, other in zip(network.parameters(), plain.parameters(), strict=True):
        assert torch.allclose(weight.grad, other.grad, rtol=1e-4, atol=1e-3)


def test_a_compiled_networks_statistics_are_kept_too() -> None:
    network, plain = Normalizing(nn.BatchNorm2d(3)), Normalizing(nn.BatchNorm2d(3))
    network.compile(backend="aot_eager", dynamic=False)
    generator: Any = network
    for first, second in zip(draws(2), draws(3)[1:], strict=True):
        [made, again] = translate(generator, first, second)
        [back] = translate(generator, made, update_statistics=False)
        (back + again).sum().backward()
        plain(first)
    for name, buffer in plain.norm.named_buffers():
        assert torch.allclose(dict(network.norm.named_buffers())[name], buffer, rtol=1e-5), name


ALIKE = [(1, 3, 8, 8), (2, 3, 8, 8)]
OTHER_SIZES = [(1, 3, 8, 8), (1, 3, 8, 12)]


@pytest.mark.parametrize("layers", [("half",), ("once", "half"), ["half", "once"]])
@pytest.mark.parametrize(
    ("couples_batch", "shapes", "batches"),
    [(False, ALIKE, [3]), (True, ALIKE, [1, 2]), (False, OTHER_SIZES, [1, 1])],
)
def test_features_of_several_images_are_those_of_one_after_the_other(
    couples_batch: bool, shapes: list[tuple[int, ...]], batches: list[int], layers: list[str]
) -> None:
    network: Any = Encoding(couples_batch=couples_batch)
    images = [torch.randn(shape) for shape in shapes]
    together = translate_and_encode(network, layers, *images)
    assert (network.batches, network.encoded) == (batches, batches)
    alone = encode(network, layers, *images)
    assert (network.batches, network.encoded) == (batches, 2 * batches)  # images are not made
    assert set(network.asked) == {tuple(layers)}
    for image, (made, seen), again in zip(images, together, alone, strict=True):
        assert torch.equal(made, 2 * image)
        known = {"once": image, "half": image[..., ::2, ::2]}
        for features in (seen, again):
            assert list(features) == list(layers)
            assert all(torch.equal(features[layer], known[layer]) for layer in layers)


def test_without_layers_nothing_is_encoded() -> None:
    network: Any = Encoding()
    images = [torch.randn(shape) for shape in ALIKE]
    for image, (made, seen) in zip(images, translate_and_encode(network, (), *images), strict=True):
        assert torch.equal(made, 2 * image)
        assert seen == {}
    assert (network.batches, network.encoded) == ([3], [])


def test_translations_and_features_are_in_float32_whatever_the_networks_precision() -> None:
    network: Any = Encoding(dtype=torch.bfloat16)
    image = torch.randn(1, 3, 4, 4)
    [(made, seen)] = translate_and_encode(network, ["once", "half"], image)
    [again] = encode(network, ["half"], image)
    assert {t.dtype for t in (made, *seen.values(), *again.values())} == {torch.float32}


def test_a_generator_that_encodes_and_gives_other_images_than_it_should_is_named() -> None:
    network: Any = Encoding(channels=1)
    with pytest.raises(PluginError, match=r"'counting' made \(2, 3, 8, 8\) .* give \(2, 1, 8, 8\)"):
        translate_and_encode(network, ["half"], torch.zeros(2, 3, 8, 8))


def test_gradients_reach_the_image_through_its_translation_and_its_features() -> None:
    network: Any = Encoding()
    images = [torch.ones(shape, requires_grad=True) for shape in ALIKE]
    for made, seen in translate_and_encode(network, ["half"], *images):
        (made.sum() + 10 * seen["half"].sum()).backward(retain_graph=True)
    for image in images:
        assert image.grad is not None
        expected = torch.full_like(image, 2.0)
        expected[..., ::2, ::2] += 10
        assert torch.equal(image.grad, expected)
