from __future__ import annotations

import math
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

import gantrans
from gantrans.errors import GantransError
from gantrans.spec.load import load
from gantrans_uvcgan.unet import UNet
from gantrans_uvcgan.vit import Block, PixelwiseViT, Positions, SelfAttention
from gantrans_uvcgan.vit_unet import ViTUNet

TINY = {
    "widths": [4, 8],
    "features": 8,
    "heads": 2,
    "blocks": 2,
    "ffn_features": 12,
    "embed_features": 6,
}
REGISTRY = gantrans.load_registry()


def config(**settings: Any) -> ViTUNet.Config:
    found: ViTUNet.Config = REGISTRY.config("generator", "vit_unet", settings)
    return found


def generator(in_channels: int = 3, out_channels: int = 3, **settings: Any) -> ViTUNet:
    """A small one, with weights far enough from 0 that every part of it counts."""
    torch.manual_seed(0)
    built: ViTUNet = config(**{**TINY, **settings}).build(
        in_channels=in_channels, out_channels=out_channels
    )
    for weight in built.parameters():
        nn.init.normal_(weight, std=0.3)
    return built


def images(height: int = 16, width: int = 16, count: int = 2, channels: int = 3) -> Tensor:
    random = torch.Generator().manual_seed(1)
    return torch.rand(count, channels, height, width, generator=random) * 2 - 1


def affine(inputs: int, outputs: int, side: int = 1) -> int:
    """Weights and biases of a convolution, or of a linear layer."""
    return outputs * (inputs * side**2 + 1)


def test_the_default_network_has_the_parameters_of_the_papers_sizes() -> None:
    unet = affine(3, 48, 3) + affine(48, 3)
    for outer, width in [(48, 48), (48, 96), (96, 192), (192, 384)]:
        unet += affine(outer, width, 3) + affine(width, width, 3) + affine(width, width, 2)
        unet += affine(width, width, 3) + affine(2 * width, width, 3) + affine(width, outer, 3)
    norms, attention, alpha = 2 * 2 * 384, 4 * affine(384, 384), 1
    block = norms + attention + affine(384, 1536) + affine(1536, 384) + alpha
    vit = affine(2, 384) + affine(384 + 384, 384) + 12 * block + affine(384, 384)

    with torch.device("meta"):
        built = config().build(in_channels=3, out_channels=3)

    assert sum(weight.numel() for weight in built.parameters()) == unet + vit
    # As many as the authors' network has: counted once, by hand, with their public code as of
    # 2026-11-23; nothing here reproduces that.
    assert unet + vit == 31_360_239


def test_attention_is_the_softmax_of_scaled_products_in_each_head() -> None:
    torch.manual_seed(0)
    attention, x = SelfAttention(12, heads=3), torch.randn(2, 5, 12)
    weight, bias = attention.query_key_value.weight, attention.query_key_value.bias
    query, key, value = (
        (x @ w.T + b).reshape(2, 5, 3, 4)  # image, token, head, d
        for w, b in zip(weight.chunk(3), bias.chunk(3), strict=True)
    )
    shares = torch.softmax(torch.einsum("nihd,njhd->nhij", query, key) / math.sqrt(4), dim=-1)
    seen = torch.einsum("nhij,njhd->nihd", shares, value).reshape(2, 5, 12)

    torch.testing.assert_close(attention(x), seen @ attention.mix.weight.T + attention.mix.bias)


def test_positions_are_sines_of_coordinates_from_corner_to_corner() -> None:
    torch.manual_seed(0)
    positions = Positions(7)
    weight, bias = positions.project.weight, positions.project.bias

    found = positions(3, 5)

    assert found.shape == (15, 7)
    for row in range(3):
        for column in range(5):
            x, y = 2 * column / 4 - 1, 2 * row / 2 - 1
            wanted = torch.sin(weight @ torch.tensor([x, y]) + bias)
            torch.testing.assert_close(found[5 * row + column], wanted)


def test_positions_of_a_larger_grid_have_the_same_corners() -> None:
    torch.manual_seed(0)
    positions = Positions(7)
    small, large = positions(2, 3), positions(9, 16)

    for one, other in [(0, 0), (2, 15), (3, 8 * 16), (5, -1)]:
        torch.testing.assert_close(small[one], large[other])


class Called(TorchDispatchMode):
    """What torch is told to do inside."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.names.append(func.overloadpacket.__name__)
        return func(*args, **(kwargs or {}))


def test_positions_are_made_where_the_weights_are() -> None:
    """A copy from the processor's memory would hold up every pass on a GPU."""
    positions = Positions(7).to("meta")
    with Called() as called:
        assert positions(3, 5).device.type == "meta"
    assert "linspace" in called.names
    assert "_to_copy" not in called.names


def test_positions_are_not_rounded_in_mixed_precision() -> None:
    positions = Positions(7)
    with torch.autocast("cpu", torch.bfloat16):
        mixed = positions(4, 4)

    assert torch.equal(mixed, positions(4, 4))


def test_a_new_block_is_the_identity_and_is_so_no_more_when_its_gate_opens() -> None:
    torch.manual_seed(0)
    block, x = Block(8, heads=2, ffn_features=12), torch.randn(2, 5, 8)
    assert torch.equal(block(x), x)

    nn.init.constant_(block.alpha, 0.5)
    norm_1, attention = block.attention
    norm_2, widen, _, narrow = block.ffn
    y = x + 0.5 * attention(F.layer_norm(x, (8,), norm_1.weight, norm_1.bias))
    y = y + 0.5 * narrow(F.gelu(widen(F.layer_norm(y, (8,), norm_2.weight, norm_2.bias))))
    torch.testing.assert_close(block(x), y)


def test_a_new_transformer_treats_each_pixel_alone() -> None:
    """With closed gates no pixel sees another; with open ones each sees all."""
    torch.manual_seed(0)
    vit = PixelwiseViT(4, features=8, heads=2, blocks=3, ffn_features=8, embed_features=6)
    x = torch.randn(1, 4, 3, 3)
    other = x.clone()
    other[..., 0, 0] += 1

    def moved() -> int:
        return int((vit(x) - vit(other)).abs().amax(1).gt(1e-6).sum())

    assert moved() == 1
    for block in vit.blocks:
        nn.init.ones_(block.alpha)
    assert moved() == 9


def test_the_u_net_is_what_the_paper_nests() -> None:
    """Each level: convolutions, all that is below at half the size, convolutions of both."""
    built = generator()
    unet: UNet = built.unet
    depth = len(unet.encoder)

    def convolutions(layers: nn.Module, x: Tensor) -> Tensor:
        weights = dict(layers.named_parameters())
        for index in (1, 4):
            x = F.conv2d(
                F.instance_norm(x),
                weights[f"{index}.weight"],
                weights[f"{index}.bias"],
                padding=1,
            )
            x = F.leaky_relu(x, 0.01)
        return x

    def level(number: int, x: Tensor) -> Tensor:
        down, up = unet.encoder[number], unet.decoder[depth - 1 - number]
        skip = convolutions(down.convolve, x)
        half = F.conv2d(skip, down.downsample.weight, down.downsample.bias, stride=2)
        below = level(number + 1, half) if number + 1 < depth else unet.bottleneck(half)
        twice = below.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
        back = F.conv2d(twice, up.upsample[1].weight, up.upsample[1].bias, padding=1)
        return convolutions(up.convolve, torch.cat([back, skip], dim=1))

    x = images()
    y = F.conv2d((x + 1) / 2, unet.enter[0].weight, unet.enter[0].bias, padding=1)
    y = level(0, F.leaky_relu(y, 0.01))
    y = F.conv2d(y, unet.leave.weight, unet.leave.bias)

    torch.testing.assert_close(built(x), 2 * torch.sigmoid(y) - 1)


@pytest.mark.parametrize(("height", "width"), [(8, 8), (16, 24), (64, 8)])
def test_one_network_takes_all_multiples_of_its_grid(height: int, width: int) -> None:
    built = generator(in_channels=1, out_channels=5)
    assert (built.multiple_of, built.min_size) == (4, 8)

    y = built(images(height, width, channels=1))

    assert y.shape == (2, 5, height, width)
    assert y.abs().max() <= 1


def test_each_level_halves_the_image_once_more() -> None:
    with torch.device("meta"):
        built = config().build(in_channels=3, out_channels=3)

    assert (built.multiple_of, built.min_size) == (16, 32)


def test_a_gradient_reaches_every_parameter() -> None:
    built = generator()

    built(images()).square().mean().backward()

    for name, weight in built.named_parameters():
        assert weight.grad is not None, name
        assert torch.isfinite(weight.grad).all(), name
        # A norm takes out what is equal all over the image, such as a bias before it. And the
        # softmax does not see the key's bias, a third of its layer's.
        assert weight.grad.any() or name.endswith("bias"), name


def test_at_the_start_only_what_is_behind_the_gates_waits_for_its_first_gradient() -> None:
    built = generator()
    for block in built.unet.bottleneck.blocks:
        nn.init.zeros_(block.alpha)

    built(images()).square().mean().backward()

    still = {
        name
        for name, weight in built.named_parameters()
        if not name.endswith("bias") and not weight.grad.any()
    }
    assert still == {
        f"unet.bottleneck.blocks.{block}.{layer}.weight"
        for block in (0, 1)
        for layer in (
            "attention.0",
            "attention.1.query_key_value",
            "attention.1.mix",
            "ffn.0",
            "ffn.1",
            "ffn.3",
        )
    }


def test_in_bfloat16_the_images_are_finite_and_nearly_the_same() -> None:
    built, x = generator(), images()
    with torch.no_grad():
        exact = built(x)
        with torch.autocast("cpu", torch.bfloat16):
            mixed = built(x)

    assert torch.isfinite(mixed).all()
    assert (mixed.float() - exact).abs().mean() < 0.05


def test_the_preset_paper_is_the_default_and_small_is_small() -> None:
    assert config(preset="paper") == config()
    assert config().widths == (48, 96, 192, 384)

    small = config(preset="small").build(in_channels=3, out_channels=3)
    assert sum(weight.numel() for weight in small.parameters()) < 500_000
    assert config(preset="small", blocks=1).blocks == 1


def test_images_of_a_batch_are_coupled_where_the_norm_couples_them() -> None:
    assert not generator().couples_batch
    assert generator(norm="batch").couples_batch


def test_heads_that_do_not_divide_the_features_are_one_clear_message() -> None:
    spec = {
        "data": {"type": "seasons"},
        "generator": {"type": "vit_unet", "preset": "small", "heads": 5},
        "losses": {"adversarial": {}},
    }
    with pytest.raises(GantransError) as caught:
        load(spec)

    assert "heads = 5 does not divide features = 64" in str(caught.value)
    assert "the nearest number of heads that does is 4" in str(caught.value)
    assert "\n" not in str(caught.value).strip()
