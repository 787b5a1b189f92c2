from __future__ import annotations

import pytest
import torch
from torch import nn
from torchvision import models

from gantrans.errors import UsageError
from gantrans_perceptual.features import Features
from gantrans_perceptual.networks import LAYERS


@pytest.fixture
def images() -> torch.Tensor:
    return torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1


@pytest.mark.parametrize(("network", "letter"), [("vgg16", "D"), ("vgg19", "E")])
def test_a_vgg_s_layers_are_named_as_in_the_paper(network: str, letter: str) -> None:
    """Simonyan & Zisserman 2015, table 1: conv2_1 is the first convolution after one pooling."""
    with torch.device("meta"):
        layers = models.vgg.make_layers(models.vgg.cfgs[letter])
    block, number, expected = 1, 0, {}
    for index, layer in enumerate(layers):
        match layer:
            case nn.MaxPool2d():
                block, number = block + 1, 0
            case nn.Conv2d():
                number += 1
                expected[f"conv{block}_{number}"] = index
            case nn.ReLU():
                expected[f"relu{block}_{number}"] = index

    assert LAYERS[network] == expected


@pytest.mark.parametrize("network", ["alexnet", "squeezenet1_1"])
def test_the_layers_of_smaller_networks_are_the_relus_and_the_fires_in_turn(network: str) -> None:
    with torch.device("meta"):
        layers = models.get_model(network).features
    kept = [i for i, layer in enumerate(layers) if not isinstance(layer, nn.Conv2d | nn.MaxPool2d)]

    assert list(LAYERS[network].values()) == kept


def test_it_ends_with_the_deepest_layer_asked_for() -> None:
    """relu1_2 of VGG16 comes after two convolutions, 3 -> 64 -> 64."""
    features = Features("vgg16", ["relu1_2", "relu1_1"], "random")

    parameters = sum(weight.numel() for weight in features.parameters())
    assert parameters == (3 * 9 + 1) * 64 + (64 * 9 + 1) * 64


def test_gray_is_equal_red_green_and_blue(images: torch.Tensor) -> None:
    features = Features("squeezenet1_1", ["relu1"], "random")
    gray = images[:, :1]

    assert torch.equal(features(gray)["relu1"], features(gray.expand(-1, 3, -1, -1))["relu1"])


def test_a_layer_before_its_relu_keeps_its_negative_values(images: torch.Tensor) -> None:
    maps = Features("vgg16", ["conv1_1", "relu1_1"], "random")(images)

    assert (maps["conv1_1"] < 0).any()
    assert torch.equal(maps["relu1_1"], maps["conv1_1"].relu())


def test_it_computes_in_float32_while_training_is_in_bfloat16(images: torch.Tensor) -> None:
    features = Features("squeezenet1_1", ["fire3"], "random")
    with torch.autocast("cpu", torch.bfloat16):
        found = features(images)["fire3"]

    assert found.dtype == torch.float32
    assert torch.equal(found, features(images)["fire3"])


def test_it_is_fixed_and_the_same_in_training(images: torch.Tensor) -> None:
    features = Features("squeezenet1_1", ["fire9"], "random")
    before = features(images)["fire9"]

    assert not any(weight.requires_grad for weight in features.parameters())
    assert torch.equal(features.train()(images)["fire9"], before)


def test_an_untrained_network_is_always_the_same_and_draws_nothing_from_others() -> None:
    torch.manual_seed(1)
    state = torch.get_rng_state()
    shallow = Features("squeezenet1_1", ["relu1"], "random").state_dict()
    assert torch.equal(torch.get_rng_state(), state)

    torch.manual_seed(2)
    deep = Features("squeezenet1_1", ["fire3"], "random").state_dict()
    for name, weights in shallow.items():
        assert torch.equal(weights, deep[name]), name


def test_an_untrained_network_has_the_weights_of_he_et_al() -> None:
    """Variance 2 / fan-in (2015, equation 10): conv1_2 of a VGG sees 64 channels of 3 x 3."""
    weights = Features("vgg16", ["conv1_2"], "random").layers.state_dict()

    assert weights["2.weight"].var().item() == pytest.approx(2 / (64 * 9), rel=0.05)
    assert weights["2.weight"].mean().item() == pytest.approx(0, abs=1e-3)
    assert not weights["2.bias"].any()


def test_other_channels_are_refused() -> None:
    with pytest.raises(UsageError, match=r"squeezenet1_1 sees .* 1 channel .* 3 .*, not 4"):
        Features("squeezenet1_1", ["relu1"], "random")(torch.zeros(1, 4, 32, 32))


def test_images_that_would_shrink_to_nothing_are_refused() -> None:
    """Up to relu3_1 a VGG halves twice."""
    features = Features("vgg16", ["relu3_1"], "random")

    assert features(torch.zeros(1, 3, 4, 4))["relu3_1"].shape == (1, 256, 1, 1)
    with pytest.raises(UsageError, match=r"3 x 8 pixels are too small for relu3_1 .* needs 4"):
        features(torch.zeros(1, 3, 3, 8))
