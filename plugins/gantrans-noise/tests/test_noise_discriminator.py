from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

import gantrans
from gantrans_noise.discriminator import Residual, minibatch_std
from gantrans_noise.equalized import EqualizedConv2d, leaky_relu
from gantrans_noise.resample import Halve

REGISTRY = gantrans.load_registry()


def noise(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def discriminator(in_channels: int = 3, **settings: Any) -> Residual:
    torch.manual_seed(0)
    table = {"width": 4, "max_width": 8, "blocks": 2, **settings}
    built: Residual = REGISTRY.config("discriminator", "residual", table).build(
        in_channels=in_channels
    )
    return built


@pytest.mark.parametrize("size", [(4, 4), (16, 16), (13, 22)])
def test_it_gives_one_score_for_an_image_of_any_size(size: tuple[int, int]) -> None:
    judge = discriminator()
    assert judge.min_size == 4

    assert judge(noise(3, 3, *size)).shape == (3, 1, 1, 1)


def plain_minibatch_std(x: Tensor, group: int) -> Tensor:
    result = []
    for start in range(0, len(x), group):
        members = x[start : start + group]
        spread = members.std(dim=0, unbiased=False).mean()
        for member in members:
            result.append(torch.cat([member, spread.expand(1, *member.shape[1:])]))
    return torch.stack(result)


@pytest.mark.parametrize(("count", "group"), [(8, 4), (4, 4), (6, 3), (3, 3), (2, 2)])
def test_minibatch_std_is_the_mean_deviation_in_a_group(count: int, group: int) -> None:
    x = noise(count, 3, 2, 5)

    torch.testing.assert_close(minibatch_std(x), plain_minibatch_std(x, group))


def test_minibatch_std_of_equal_images_is_nothing_and_its_gradient_is_finite() -> None:
    x = noise(1, 3, 2, 2).expand(4, -1, -1, -1).clone().requires_grad_()

    spread = minibatch_std(x)[:, -1]
    spread.sum().backward()

    assert spread.max() < 2e-4  # the root of the 1e-8 that keeps the gradient finite
    assert torch.isfinite(x.grad).all()


def test_images_are_coupled_by_minibatch_std_alone() -> None:
    x = noise(2, 3, 8, 8)
    for on in (True, False):
        judge = discriminator(minibatch_std=on)
        assert judge.couples_batch is on
        apart = torch.cat([judge(x[:1]), judge(x[1:])])
        assert torch.allclose(judge(x), apart, atol=1e-6) is not on


def test_a_residual_block_keeps_the_variance() -> None:
    judge = discriminator(width=64, max_width=64)
    block, x = judge.blocks[0], noise(4, 64, 32, 32)
    x = F.interpolate(x, scale_factor=2)  # smooth, so that halving takes little away

    y = block(x)

    assert 0.2 < y.var() < 2


def test_its_own_weights_are_kept_whatever_init_says() -> None:
    assert Residual.own_weights
    judge = discriminator(width=32, max_width=64)

    assert judge.blocks[1].second.weight.std().item() == pytest.approx(1, rel=0.05)


def test_on_images_of_its_own_size_it_is_the_papers_chain_of_layers() -> None:
    judge, x = discriminator(minibatch_std=False), noise(2, 3, 16, 16)

    def conv(layer: EqualizedConv2d, y: Tensor) -> Tensor:
        side = layer.weight.shape[-1]
        scale = (layer.weight.shape[1] * side**2) ** -0.5
        return F.conv2d(y, layer.weight * scale, layer.bias, padding=side // 2)

    halve = Halve()
    y = leaky_relu(conv(judge.from_image, x))
    for block in judge.blocks:
        main = leaky_relu(conv(block.second, halve(leaky_relu(conv(block.first, y)))))
        y = (main + conv(block.skip, halve(y))) / 2**0.5
    y = leaky_relu(conv(judge.convolve, y)).flatten(1)
    assert y.shape == (2, 8 * 4 * 4)
    y = leaky_relu(y @ judge.connect.weight.T / (8 * 16) ** 0.5 + judge.connect.bias)
    y = y @ judge.judge.weight.T / 8**0.5 + judge.judge.bias

    torch.testing.assert_close(judge(x), y[:, :, None, None])


def test_larger_images_are_judged_by_means_over_their_parts() -> None:
    """A map of 8 x 8 places that has each of 4 x 4 four times is the same to it."""
    judge = discriminator(minibatch_std=False)
    small = noise(1, 8, 4, 4)
    maps = {4: small, 8: small.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)}
    scores = []
    for side, given in maps.items():
        handle = judge.convolve.register_forward_hook(lambda *_, given=given: given)
        scores.append(judge(noise(1, 3, 4 * side, 4 * side)))
        handle.remove()

    torch.testing.assert_close(*scores)
