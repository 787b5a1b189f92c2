from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import save_file
from torch import Tensor, nn
from torchvision import models

from gantrans.api.step import TranslationStep
from gantrans_perceptual.vgg import VGG


def images(seed: int, channels: int = 3) -> Tensor:
    stream = torch.Generator().manual_seed(seed)
    return torch.rand(2, channels, 32, 32, generator=stream) * 2 - 1


def loss(**settings: Any) -> VGG:
    built: VGG = VGG.Config(**{"weights": "random", **settings}).build()
    return built


def plain_vgg(features: nn.Module, ordinal: int, kind: type[nn.Module], x: Tensor) -> Tensor:
    """The output of the n-th layer of a kind, taken by a hook."""
    seen: list[Tensor] = []
    layer = [layer for layer in features if isinstance(layer, kind)][ordinal - 1]
    handle = layer.register_forward_hook(lambda *args: seen.append(args[-1].clone()))
    mean, std = torch.tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]]).view(2, 3, 1, 1)
    features(((x + 1) / 2 - mean) / std)
    handle.remove()
    return seen[0]


def test_it_is_the_weighted_sum_of_the_maps_distances(tmp_path: Path) -> None:
    """Against hooks on torchvision's VGG16: relu3_3 follows its 7th convolution, conv2_1 is the
    3rd."""
    torch.manual_seed(0)
    features = models.vgg.make_layers(models.vgg.cfgs["D"])
    save_file(
        {f"features.{k}": v for k, v in features.state_dict().items()}, tmp_path / "w.safetensors"
    )
    weights, x, y = str(tmp_path / "w.safetensors"), images(1), images(2)
    shallow, deep = (
        plain_vgg(features, n, kind, x) - plain_vgg(features, n, kind, y)
        for n, kind in ((3, nn.Conv2d), (7, nn.ReLU))
    )

    layers = {"conv2_1": 0.5, "relu3_3": 2.0}
    l1 = loss(layers=layers, weights=weights, distance="l1").distance(x, y)
    l2 = loss(layers=layers, weights=weights, distance="l2").distance(x, y)

    expected = 0.5 * shallow.abs().mean() + 2 * deep.abs().mean()
    assert l1.item() == pytest.approx(expected.item(), rel=1e-5)
    expected = 0.5 * shallow.square().mean() + 2 * deep.square().mean()
    assert l2.item() == pytest.approx(expected.item(), rel=1e-5)


@pytest.mark.parametrize("distance", ["l1", "l2"])
def test_equal_images_have_no_distance_and_either_may_come_first(distance: str) -> None:
    vgg, x, y = loss(layers={"relu2_1": 1}, distance=distance), images(1), images(2)

    assert vgg.distance(x, x).item() == 0
    assert vgg.distance(x, y).item() == vgg.distance(y, x).item() > 0


def test_the_gradient_reaches_what_was_made_and_not_the_weights() -> None:
    vgg = loss(layers={"relu1_2": 1, "relu3_1": 1}, compare="truth")
    fake = {"a": images(1).requires_grad_(), "b": images(2).requires_grad_()}
    truth = {"a": images(3), "b": images(4)}

    terms = vgg.generator(TranslationStep({"fake": fake, "truth": truth}, {}))
    torch.stack([*terms.values()]).sum().backward()

    assert set(terms) == {"a", "b"}
    assert all(image.grad is not None and image.grad.any() for image in fake.values())
    assert [weight.grad for weight in vgg.parameters()] == [None] * 10  # five convolutions


@pytest.mark.parametrize(
    ("compare", "made", "wanted"),
    [
        ("cycle", "cycle", "real"),
        ("identity", "identity", "real"),
        ("source", "fake", "source"),
        ("truth", "fake", "truth"),
    ],
)
def test_what_is_compared_is_a_setting(compare: str, made: str, wanted: str) -> None:
    vgg = loss(layers={"relu1_1": 1}, compare=compare)
    names = ("real", "fake", "cycle", "identity", "source", "truth")
    passes = {
        name: {"a": images(2 * n, 3), "b": images(2 * n + 1, 1)} for n, name in enumerate(names)
    }

    step = TranslationStep(passes, {}).seen_by("vgg", vgg.config.requires)
    terms = vgg.generator(step)

    assert vgg.config.requires == {made, wanted} - {"real"}
    for domain in ("a", "b"):
        expected = vgg.distance(passes[made][domain], passes[wanted][domain])
        assert terms[domain].item() == expected.item()


def test_presets_are_the_papers_layers() -> None:
    johnson, srgan, hd = (VGG.Config(preset=p) for p in ("johnson", "srgan", "pix2pixhd"))

    assert (johnson.network, johnson.layers, johnson.distance) == ("vgg16", {"relu3_3": 1.0}, "l2")
    assert (srgan.network, srgan.layers, srgan.distance) == ("vgg19", {"relu5_4": 1.0}, "l2")
    assert list(hd.layers.values()) == [0.03125, 0.0625, 0.125, 0.25, 1.0]


def test_a_layer_that_the_network_has_not_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"vgg16 has no layer 'relu3_4'; did you mean 'relu"):
        VGG.Config(layers={"relu3_4": 1.0})
    with pytest.raises(ValidationError):
        VGG.Config(layers={})
    with pytest.raises(ValidationError):
        VGG.Config(layers={"relu3_3": 0})

    VGG.Config(network="vgg19", layers={"relu3_4": 1.0})
