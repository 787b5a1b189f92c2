from __future__ import annotations

import random

import pytest
import torch
from PIL import Image
from torch import Tensor

from gantrans.api.dataset import Transform
from gantrans.errors import DataError
from gantrans.training.transform import prepare


def ramp(width: int, height: int) -> Image.Image:
    """Red grows with x, green with y: a pixel says where it comes from."""
    image = Image.new("RGB", (width, height))
    image.putdata([(x, y, 0) for y in range(height) for x in range(width)])
    return image


def prepared(image: Image.Image, seed: int | None = None, **settings: object) -> Tensor:
    draw = None if seed is None else random.Random(seed)
    transform = Transform.model_validate({"flip": False, **settings})
    return prepare(image, transform, channels=3, label="summer/7.png", draw=draw)


def pixels(tensor: Tensor) -> Tensor:
    return ((tensor + 1) * 127.5).round().int()


@pytest.mark.parametrize(
    ("size", "resize", "expected"),
    [
        ((100, 60), 30, (30, 50)),  # (height, width): the shorter side becomes 30
        ((60, 100), 30, (50, 30)),
        ((40, 40), 30, (30, 30)),
        ((20, 10), 30, (30, 60)),  # small images grow
        ((101, 60), 30, (30, 50)),
    ],
)
def test_resize_scales_the_shorter_side_and_keeps_the_proportions(
    size: tuple[int, int], resize: int, expected: tuple[int, int]
) -> None:
    assert prepared(ramp(*size), resize=resize).shape == (3, *expected)


def test_shrinking_is_antialiased() -> None:
    """Stripes of one pixel become gray, not the stripes that happen to be hit."""
    stripes = Image.new("L", (128, 128))
    stripes.putdata([255 * (x % 2) for _ in range(128) for x in range(128)])
    small = prepare(stripes, Transform(resize=32), channels=1, label="")
    assert small[:, 2:-2, 2:-2].abs().max() < 0.05


def test_without_settings_the_image_stays_as_it_is() -> None:
    assert torch.equal(pixels(prepared(ramp(20, 12), seed=0))[0, 0], torch.arange(20).int())


def test_a_training_crop_is_a_part_of_the_image_and_reaches_every_place() -> None:
    corners = set()
    for seed in range(400):
        cut = pixels(prepared(ramp(12, 10), seed=seed, crop=8))
        assert cut.shape == (3, 8, 8)
        left, top = int(cut[0, 0, 0]), int(cut[1, 0, 0])
        assert torch.equal(cut[0], (left + torch.arange(8)).int().expand(8, 8))
        assert torch.equal(cut[1], (top + torch.arange(8)).int()[:, None].expand(8, 8))
        corners.add((left, top))
    assert corners == {(x, y) for x in range(5) for y in range(3)}


def test_half_the_training_images_are_mirrored() -> None:
    plain = pixels(prepared(ramp(6, 4)))
    mirrored = 0
    for seed in range(1000):
        seen = pixels(prepared(ramp(6, 4), seed=seed, flip=True))
        assert torch.equal(seen, plain) or torch.equal(seen, plain.flip(2))
        mirrored += torch.equal(seen, plain.flip(2))
    assert abs(mirrored - 500) < 5 * 1000**0.5 / 2  # five standard deviations


def test_none_is_mirrored_if_the_spec_says_so() -> None:
    seen = {prepared(ramp(6, 4), seed=seed).numpy().tobytes() for seed in range(20)}
    assert len(seen) == 1


def test_a_test_image_is_cut_at_the_centre_and_not_mirrored() -> None:
    cut = pixels(prepared(ramp(14, 11), crop=8, flip=True))
    assert torch.equal(cut[0, 0], torch.arange(3, 11).int())
    assert torch.equal(cut[1, :, 0], torch.arange(1, 9).int())


def test_the_same_draw_gives_the_same_picture() -> None:
    settings = {"crop": 8, "flip": True}
    one, two = (prepared(ramp(20, 20), seed=4, **settings) for _ in range(2))
    assert torch.equal(one, two)


def test_an_image_smaller_than_the_crop_is_refused_by_name() -> None:
    with pytest.raises(DataError) as caught:
        prepared(ramp(30, 10), seed=0, crop=16)
    said = str(caught.value)
    assert "summer/7.png is 30 x 10 pixels" in said
    assert "crop of 16" in said
    assert "data.transform.resize" in said


@pytest.mark.parametrize(("channels", "mode"), [(1, "RGB"), (3, "L"), (3, "RGBA"), (1, "P")])
def test_images_have_as_many_channels_as_their_domain_and_values_from_minus_1_to_1(
    channels: int, mode: str
) -> None:
    image = Image.new("RGB", (8, 8), "white").convert(mode)
    tensor = prepare(image, Transform(), channels=channels, label="")
    assert tensor.dtype == torch.float32
    assert torch.equal(tensor, torch.ones(channels, 8, 8))
    black = prepare(
        Image.new("RGB", (8, 8)).convert(mode), Transform(), channels=channels, label=""
    )
    assert torch.equal(black, -torch.ones(channels, 8, 8))
