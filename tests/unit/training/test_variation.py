from __future__ import annotations

import random

import pytest
import torch
from torch import Tensor
from torchvision.transforms.v2 import functional as F

from gantrans.api.transform import DomainTransform, Jitter
from gantrans.training.batch import LoadedBatch
from gantrans.training.colours import vary_colours
from gantrans.training.variation import Variation, Variations, draw_variation

CPU = torch.device("cpu")


def pictures(count: int, channels: int = 3, side: int = 6) -> Tensor:
    return torch.randint(0, 256, (count, channels, side, side), dtype=torch.uint8)


def on_cpu(real: Tensor, drawn: list[Variation]) -> Tensor:
    names = [str(n) for n in range(len(real))]
    return LoadedBatch({"a": real}, {"a": names}, {"a": Variations.of(drawn)}).on(CPU)["a"]


def in_range(x: Tensor) -> Tensor:
    return x.float() / 127.5 - 1


def test_every_image_of_a_batch_is_mirrored_and_turned_as_it_was_drawn() -> None:
    real = pictures(8)
    drawn = [Variation(flip, turns, None) for flip in (False, True) for turns in range(4)]
    found = on_cpu(real, drawn)
    for image, seen, one in zip(real, found, drawn, strict=True):
        expected = image.flip(-1) if one.flip else image
        assert torch.equal(seen, in_range(expected.rot90(one.turns, (1, 2))))


def test_oblong_images_are_turned_upside_down() -> None:
    real = torch.randint(0, 256, (2, 3, 4, 6), dtype=torch.uint8)
    found = on_cpu(real, [Variation(False, 2, None), Variation(True, 0, None)])
    assert torch.equal(found[0], in_range(real[0].flip(1, 2)))
    assert torch.equal(found[1], in_range(real[1].flip(2)))


def test_every_byte_becomes_the_value_that_evaluation_gives_it() -> None:
    every = torch.arange(256, dtype=torch.uint8).reshape(1, 1, 16, 16)
    found = on_cpu(every, [Variation(False, 0, None)])
    assert torch.equal(found, every.float().div(127.5).sub(1))
    assert found.min() == -1 and found.max() == 1


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_floats_without_variations_pass_as_they_are(dtype: torch.dtype) -> None:
    x = torch.rand(2, 3, 4, 4, dtype=dtype)
    assert LoadedBatch({"a": x}, {"a": ["1", "2"]}).on(CPU)["a"] is x


def test_floats_are_mirrored_and_not_scaled() -> None:
    x = torch.rand(2, 5, 4, 4)
    found = on_cpu(x, [Variation(True, 0, None), Variation(False, 1, None)])
    assert torch.equal(found[0], x[0].flip(-1))
    assert torch.equal(found[1], x[1].rot90(1, (1, 2)))


@pytest.mark.parametrize("channels", [1, 3])
def test_each_image_gets_the_colours_that_torchvision_gives_it_alone(channels: int) -> None:
    torch.manual_seed(0)
    images = torch.rand(12, channels, 16, 16) * 2 - 1
    images[0] = images[0, :1]  # gray: without a hue
    images[1] = 1.0
    images[2] = -1.0
    draw = random.Random(1)
    factors = [[draw.uniform(0, 2) for _ in range(3)] + [draw.uniform(-0.5, 0.5)] for _ in images]
    found = vary_colours(images, torch.tensor(factors))
    for image, seen, (brightness, contrast, saturation, turn) in zip(
        images, found, factors, strict=True
    ):
        x = F.adjust_contrast(F.adjust_brightness((image + 1) / 2, brightness), contrast)
        if channels == 3:
            x = F.adjust_hue(F.adjust_saturation(x, saturation), turn)
        assert float((seen - (2 * x - 1)).abs().max()) < 2e-5


def test_the_draws_come_in_the_order_in_which_they_always_came() -> None:
    """Mirror, turn, then the colours: a run with a seed sees what it would have seen."""
    jitter = Jitter(brightness=0.1, hue=0.2)
    transform = DomainTransform(flip=True, rotate=True, jitter=jitter)
    drawn = random.Random(5)
    flip, turns = drawn.random() < 0.5, drawn.randrange(4)
    colours = (
        drawn.uniform(0.9, 1.1),
        drawn.uniform(1, 1),
        drawn.uniform(1, 1),
        drawn.uniform(-0.2, 0.2),
    )
    found = draw_variation(transform, random.Random(5), square=True)
    assert (found.flip, found.turns) == (flip, turns)
    assert found.colours == pytest.approx(colours, abs=1e-12)
