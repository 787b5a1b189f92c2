from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from gantrans.api.discriminator import Discriminator

KIND = "discriminator"


@pytest.fixture
def discriminator(config: Any) -> Discriminator:
    torch.manual_seed(0)
    built: Discriminator = config.build(in_channels=3)
    return built


def images(discriminator: Discriminator, count: int = 2, channels: int = 3) -> Tensor:
    side = max(16, discriminator.min_size)
    random = torch.Generator().manual_seed(1)
    return torch.rand(count, channels, side, side + 4, generator=random) * 2 - 1


def maps(discriminator: Discriminator, x: Tensor) -> list[Tensor]:
    scores = discriminator(x)
    return [scores] if isinstance(scores, Tensor) else list(scores)


def test_it_gives_score_maps_and_leaves_its_input_alone(discriminator: Discriminator) -> None:
    x = images(discriminator)
    before = x.clone()
    found = maps(discriminator, x)
    assert found
    for scores in found:
        assert scores.shape[:2] == (2, 1)
        assert scores.dim() == 4
        assert torch.isfinite(scores).all()
    assert torch.equal(x, before)


def test_it_judges_gray_images_too(config: Any) -> None:
    discriminator = config.build(in_channels=1)
    assert maps(discriminator, images(discriminator, channels=1))[0].shape[:2] == (2, 1)


def test_the_smallest_size_that_it_names_works(discriminator: Discriminator) -> None:
    side = discriminator.min_size
    assert maps(discriminator, torch.zeros(1, 3, side, side))[0].numel() >= 1


def test_the_gradient_reaches_every_parameter_and_the_image(discriminator: Discriminator) -> None:
    x = images(discriminator).requires_grad_()
    torch.stack([scores.square().mean() for scores in maps(discriminator, x)]).sum().backward()
    for name, weight in discriminator.named_parameters():
        assert weight.grad is not None, name
        assert torch.isfinite(weight.grad).all(), name
        assert weight.dim() == 1 or weight.grad.any(), name
    assert x.grad is not None
    assert x.grad.any()


def test_in_training_images_of_a_batch_are_apart_unless_it_says_otherwise(
    discriminator: Discriminator,
) -> None:
    if discriminator.couples_batch:
        pytest.skip("its images are coupled")
    x = images(discriminator)
    with torch.no_grad():
        together = maps(discriminator, x)
        apart = [maps(discriminator, x[:1]), maps(discriminator, x[1:])]
    for scale, scores in enumerate(together):
        assert torch.allclose(scores, torch.cat([one[scale] for one in apart]), atol=1e-5)


def test_it_can_be_built_on_the_meta_device_to_look_at_its_shapes(config: Any) -> None:
    with torch.device("meta"):
        discriminator = config.build(in_channels=3)
    assert all(weight.is_meta for weight in discriminator.parameters())
    assert discriminator.min_size >= 1
