"""Features of the encoders: for PatchNCE (Park et al. 2020), which asks a network twice a step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from gantrans.api.generator import Generator
from gantrans.plugin.registry import Registry

Make = Callable[..., Generator]

SMALL: dict[str, dict[str, Any]] = {
    "resnet": {"width": 4, "blocks": 2},
    "unet": {"width": 4, "depth": 3},
}
CONVOLUTIONS = (nn.Conv2d, nn.ConvTranspose2d)

networks = pytest.mark.parametrize("name", list(SMALL))


@pytest.fixture
def make(builtins: Registry) -> Make:
    def build(name: str, **settings: Any) -> Generator:
        torch.manual_seed(0)
        config = builtins.config("generator", name, SMALL[name] | settings)
        return config.build(in_channels=3, out_channels=3)

    return build


def an_image(count: int = 1) -> Tensor:
    return torch.rand(count, 3, 16, 16, generator=torch.Generator().manual_seed(1)) * 2 - 1


def layers_met(network: nn.Module, doing: Callable[[], object]) -> list[nn.Module]:
    """The innermost modules that run while something is done, in their order."""
    met: list[nn.Module] = []
    innermost = [m for m in network.modules() if not list(m.children())]
    hooks = [m.register_forward_hook(lambda m, *_: met.append(m)) for m in innermost]
    doing()
    for hook in hooks:
        hook.remove()
    return met


@networks
@pytest.mark.parametrize("upsample", ["transpose", "nearest", "blur"])
@pytest.mark.parametrize("norm", ["instance", "batch", "none"])
def test_image_and_features_of_one_pass_are_those_of_two(
    make: Make, name: str, norm: str, upsample: str
) -> None:
    """Without a norm, an activation that works in place would overwrite a feature."""
    network = make(name, norm=norm, upsample=upsample).eval()
    image, layers = an_image(2), network.encoder_layers()
    translated, features = network.forward_with_features(image, layers)
    assert torch.equal(translated, network(image))
    assert list(features) == list(layers)
    for layer in layers:
        [alone] = network.encoder_features(image, [layer]).values()
        assert torch.equal(features[layer], alone)
        assert (alone < 0).any()  # which is what an activation would take


@networks
def test_one_pass_for_both_runs_each_layer_once(make: Make, name: str) -> None:
    network = make(name)
    plain = layers_met(network, lambda: network(an_image()))
    both = layers_met(
        network, lambda: network.forward_with_features(an_image(), network.encoder_layers())
    )
    assert both == plain


@networks
def test_dropout_draws_the_same_with_features_as_without(make: Make, name: str) -> None:
    network = make(name, dropout=0.5, **({"depth": 4} if name == "unet" else {})).train()
    torch.manual_seed(3)
    translated = network(an_image())
    torch.manual_seed(3)
    again, _ = network.forward_with_features(an_image(), network.encoder_layers())
    assert torch.equal(again, translated)


@networks
def test_the_gradient_passes_through_image_and_features(make: Make, name: str) -> None:
    network = make(name, norm="none")  # where activations in place would break it
    image = an_image().requires_grad_()
    translated, features = network.forward_with_features(image, network.encoder_layers())
    for result in (translated, *features.values()):
        [gradient] = torch.autograd.grad(result.square().sum(), image, retain_graph=True)
        assert gradient.any()


@pytest.mark.parametrize(
    ("name", "layer", "taught"),
    [("resnet", "stem", 1), ("resnet", "down2", 3), ("resnet", "block1", 5), ("unet", "down2", 2)],
)
def test_features_teach_the_encoder_up_to_their_layer(
    make: Make, name: str, layer: str, taught: int
) -> None:
    network = make(name)
    convolutions = [
        m for m in layers_met(network, lambda: network(an_image())) if isinstance(m, CONVOLUTIONS)
    ]
    features = network.encoder_features(an_image(), [layer])
    features[layer].square().sum().backward()
    reached = [m.weight.grad is not None for m in convolutions]
    assert reached == [True] * taught + [False] * (len(convolutions) - taught)


@networks
def test_no_layer_runs_after_the_last_one_asked_for(make: Make, name: str) -> None:
    network = make(name)
    everything = layers_met(network, lambda: network(an_image()))
    lengths = []
    for layer in network.encoder_layers():
        ask = [layer, "image"]
        met = layers_met(network, lambda ask=ask: network.encoder_features(an_image(), ask))
        assert met == everything[: len(met)]
        if layer.startswith(("stem", "down")):
            assert isinstance(met[-1], nn.Conv2d)
        lengths.append(len(met))
    assert lengths == sorted(set(lengths))
    assert lengths[-1] < len(everything)
    assert layers_met(network, lambda: network.encoder_features(an_image(), ())) == []


@networks
def test_layers_are_asked_for_in_any_order_and_given_once(make: Make, name: str) -> None:
    network = make(name)
    features = network.encoder_features(an_image(), ("down2", "image", "down2"))
    assert set(features) == {"image", "down2"}
    _, features = network.forward_with_features(an_image(), ("down2", "image", "down2"))
    assert set(features) == {"image", "down2"}


@pytest.mark.parametrize("how", ["encoder_features", "forward_with_features"])
@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("resnet", "image, stem, down1, down2, block1, block2"),
        ("unet", "image, down1, down2, down3"),
    ],
)
def test_an_unknown_layer_is_refused_with_those_there_are(
    make: Make, name: str, known: str, how: str
) -> None:
    wanted = rf"'{name}' has no layer 'down9' \(there are: {known}\)"
    with pytest.raises(ValueError, match=wanted):
        getattr(make(name), how)(an_image(), ["down1", "down9"])
