from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import Tensor

from gantrans.api.generator import Generator

KIND = "generator"


@pytest.fixture
def generator(config: Any) -> Generator:
    torch.manual_seed(0)
    built: Generator = config.build(in_channels=3, out_channels=3)
    return built


def images(generator: Generator, count: int = 1, channels: int = 3) -> Tensor:
    """Oblong ones, of the smallest size that is no special case."""
    multiple = generator.multiple_of
    side = -(-max(16, generator.min_size) // multiple) * multiple
    random = torch.Generator().manual_seed(1)
    return torch.rand(count, channels, side, side + multiple, generator=random) * 2 - 1


def test_it_keeps_the_size_and_the_range_and_leaves_its_input_alone(generator: Generator) -> None:
    x = images(generator)
    before = x.clone()
    with torch.no_grad():
        y = generator(x)
    assert y.shape == x.shape
    assert y.dtype == torch.float32
    assert float(y.abs().max()) <= 1
    assert torch.equal(x, before)


@pytest.mark.parametrize(("read", "written"), [(1, 3), (3, 1)])
def test_its_channels_are_those_of_the_two_domains(config: Any, read: int, written: int) -> None:
    generator = config.build(in_channels=read, out_channels=written)
    x = images(generator, channels=read)
    with torch.no_grad():
        assert generator(x).shape == (1, written, *x.shape[2:])


def test_the_smallest_size_that_it_names_works(generator: Generator) -> None:
    multiple = generator.multiple_of
    side = -(-generator.min_size // multiple) * multiple
    with torch.no_grad():
        assert generator.eval()(torch.zeros(1, 3, side, side)).shape == (1, 3, side, side)


def test_the_gradient_reaches_every_parameter_and_the_image(generator: Generator) -> None:
    x = images(generator).requires_grad_()
    generator(x).square().mean().backward()
    for name, weight in generator.named_parameters():
        assert weight.grad is not None, name
        assert torch.isfinite(weight.grad).all(), name
        assert weight.dim() == 1 or weight.grad.any(), name
    assert x.grad is not None
    assert x.grad.any()


def test_in_training_images_of_a_batch_are_apart_unless_it_says_otherwise(
    generator: Generator,
) -> None:
    if generator.couples_batch or any(type(m).__name__ == "Dropout" for m in generator.modules()):
        pytest.skip("its images are coupled, or it draws")
    x = images(generator, count=2)
    with torch.no_grad():
        together = generator(x)
        apart = torch.cat([generator(x[:1]), generator(x[1:])])
    assert torch.allclose(together, apart, atol=1e-5)


def test_in_use_it_gives_the_same_image_every_time_and_as_a_copy(generator: Generator) -> None:
    generator.eval()
    x = images(generator)
    with torch.no_grad():
        first = generator(x)
        assert torch.equal(generator(x), first)
        assert torch.equal(copy.deepcopy(generator)(x), first)


def test_its_weights_can_be_taken_over_by_another(config: Any, generator: Generator) -> None:
    torch.manual_seed(9)
    other = config.build(in_channels=3, out_channels=3)
    other.load_state_dict(generator.state_dict())
    x = images(generator)
    with torch.no_grad():
        assert torch.equal(other.eval()(x), generator.eval()(x))


def test_it_can_be_built_on_the_meta_device_to_look_at_its_shapes(config: Any) -> None:
    with torch.device("meta"):
        generator = config.build(in_channels=3, out_channels=3)
    assert all(weight.is_meta for weight in generator.parameters())
    assert generator.multiple_of >= 1
    assert generator.min_size >= 1
