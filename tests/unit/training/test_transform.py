from __future__ import annotations

import random
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor

from gantrans.api.transform import Transform
from gantrans.errors import DataError
from gantrans.training.batch import LoadedBatch
from gantrans.training.transform import cut, settle
from gantrans.training.transform import prepare as prepare_for_evaluation
from gantrans.training.variation import Variations, draw_variation


def prepare(
    image: Image.Image | Tensor,
    transform: Transform,
    *,
    channels: int,
    label: str,
    draw: random.Random | None = None,
) -> Tensor:
    """What a network gets of the image: in training with a draw, outside without."""
    if draw is None:
        return prepare_for_evaluation(image, transform, channels=channels, label=label)
    settled = settle(image, transform.fixed(), channels=channels, label=label)
    x = cut(settled.image, transform, channels=channels, label=label, draw=draw)
    drawn = draw_variation(transform, draw, square=x.shape[1] == x.shape[2])
    batch = LoadedBatch({"a": x[None]}, {"a": [label]}, {"a": Variations.of([drawn])})
    return batch.on(torch.device("cpu"))["a"][0]


def ramp(width: int, height: int) -> Image.Image:
    """Red grows with x, green with y: a pixel says where it comes from."""
    image = Image.new("RGB", (width, height))
    image.putdata([(x, y, 0) for y in range(height) for x in range(width)])
    return image


def prepared(image: Image.Image | Tensor, seed: int | None = None, **settings: object) -> Tensor:
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


@pytest.mark.parametrize(
    ("settings", "expected"),  # of an image of 100 x 60 pixels; (height, width)
    [
        ({"resize": 50, "resize_mode": "width"}, (30, 50)),
        ({"resize": 30, "resize_mode": "exact"}, (30, 30)),
        ({"resize": [20, 40]}, (40, 20)),
        ({"resize": [20, 40], "resize_mode": "exact"}, (40, 20)),
    ],
)
def test_resize_can_mean_the_width_a_square_or_both_sides(
    settings: dict[str, object], expected: tuple[int, int]
) -> None:
    assert prepared(ramp(100, 60), **settings).shape == (3, *expected)


def test_two_sides_are_no_width() -> None:
    with pytest.raises(ValueError, match="give the width alone"):
        Transform.model_validate({"resize": [20, 40], "resize_mode": "width"})


def test_a_mode_without_a_size_is_refused() -> None:
    with pytest.raises(ValueError, match="resize_mode without resize"):
        Transform.model_validate({"resize_mode": "exact"})


def test_square_images_are_turned_by_every_right_angle_as_often() -> None:
    plain = pixels(prepared(ramp(4, 4)))
    turns = [0] * 4
    for seed in range(1000):
        seen = pixels(prepared(ramp(4, 4), seed=seed, rotate=True))
        [k] = [k for k in range(4) if torch.equal(seen, plain.rot90(k, (1, 2)))]
        turns[k] += 1
    assert all(abs(count - 250) < 5 * (1000 * 0.25 * 0.75) ** 0.5 for count in turns)


def test_oblong_images_keep_their_shape_when_they_are_turned() -> None:
    plain = pixels(prepared(ramp(6, 4)))
    seen = {
        prepared(ramp(6, 4), seed=seed, rotate=True).numpy().tobytes(): seed for seed in range(40)
    }
    assert len(seen) == 2
    for seed in seen.values():
        turned = pixels(prepared(ramp(6, 4), seed=seed, rotate=True))
        assert torch.equal(turned, plain) or torch.equal(turned, plain.flip(1, 2))


def test_brightness_multiplies_and_stays_within_its_bounds() -> None:
    gray = Image.new("RGB", (4, 4), (100, 100, 100))
    seen = []
    for seed in range(200):
        colours = pixels(prepared(gray, seed=seed, jitter={"brightness": 0.2}))
        assert len(colours.unique()) == 1
        seen.append(int(colours[0, 0, 0]))
    assert 80 <= min(seen) <= 83
    assert 117 <= max(seen) <= 120


def test_contrast_leaves_the_mean_gray_alone() -> None:
    """Contrast mixes with the mean luma; of gray images that is the mean."""
    image = Image.new("L", (2, 1))
    image.putdata([100, 140])
    for seed in range(20):
        draw = random.Random(seed)
        transform = Transform.model_validate({"flip": False, "jitter": {"contrast": 0.5}})
        low, high = prepare(image, transform, channels=1, label="", draw=draw)[0, 0].tolist()
        factor = random.Random(seed)
        factor.uniform(1, 1)  # brightness is drawn first
        spread = factor.uniform(0.5, 1.5) * 40 / 127.5
        assert high - low == pytest.approx(spread, abs=1e-4)
        assert (high + low) / 2 == pytest.approx(120 / 127.5 - 1, abs=1e-4)


def test_a_hue_turned_half_round_makes_red_cyan_and_saturation_0_makes_gray() -> None:
    red = Image.new("RGB", (2, 2), (255, 0, 0))
    hues = {
        tuple(pixels(prepared(red, seed=seed, jitter={"hue": 0.5}))[:, 0, 0].tolist())
        for seed in range(50)
    }
    assert all(max(hue) == 255 and min(hue) == 0 for hue in hues)  # still pure colours
    assert len(hues) > 40
    spreads = [
        int(x.max() - x.min())
        for seed in range(200)
        for x in [pixels(prepared(red, seed=seed, jitter={"saturation": 1.0}))[:, 0, 0]]
    ]
    assert min(spreads) < 10  # a factor near 0
    assert max(spreads) == 255


def test_test_images_are_neither_turned_nor_recoloured() -> None:
    settings = {"rotate": True, "jitter": {"brightness": 0.5, "hue": 0.5}}
    assert torch.equal(prepared(ramp(4, 4), **settings), prepared(ramp(4, 4)))


def test_a_domain_can_differ_in_some_settings() -> None:
    transform = Transform.model_validate(
        {"resize": 40, "crop": 32, "b": {"crop": 16, "flip": False}}
    )
    assert transform.of("a").crop == 32
    b = transform.of("b")
    assert (b.resize, b.crop, b.flip) == (40, 16, False)
    assert Transform.model_validate(transform.model_dump(mode="json")) == transform


def test_tensors_are_cut_mirrored_and_turned_as_images_are() -> None:
    image = ramp(12, 10)
    plain = prepared(image)
    transform = Transform.model_validate({"crop": 8, "rotate": True})
    for seed in range(20):
        of_image = prepare(image, transform, channels=3, label="", draw=random.Random(seed))
        of_tensor = prepare(plain, transform, channels=3, label="", draw=random.Random(seed))
        assert torch.equal(of_tensor, of_image)


def test_tensors_of_any_channels_are_resized_and_stay_in_range() -> None:
    torch.manual_seed(0)
    x = torch.where(torch.rand(5, 40, 30) < 0.5, -1.0, 1.0)
    y = prepare(x, Transform(resize=15), channels=5, label="")
    assert y.shape == (5, 20, 15)
    assert float(y.abs().max()) <= 1
    assert torch.allclose(y.mean(), x.mean(), atol=0.02)


@pytest.mark.parametrize(
    "wrong",
    [torch.zeros(2, 8, 8), torch.zeros(8, 8), torch.zeros(3, 8, 8, dtype=torch.int16)],
    ids=["channels", "dimensions", "integers"],
)
def test_a_tensor_that_is_no_image_of_the_domain_is_refused_by_name(wrong: Tensor) -> None:
    with pytest.raises(DataError, match=r"scan-3: found a tensor .* expected float32 \(3"):
        prepare(wrong, Transform(), channels=3, label="scan-3")


def textured(width: int, height: int) -> Image.Image:
    """Colours that change from pixel to pixel, always the same."""
    colours = random.Random(5)
    image = Image.new("RGB", (width, height))
    image.putdata(
        [(colours.randrange(256), 2 * x, 3 * y) for y in range(height) for x in range(width)]
    )
    return image


@pytest.mark.parametrize(
    "settings",
    [
        {"zoom": [0.4, 1.0]},
        {"zoom": [0.9, 2.5]},
        {"zoom": [0.5, 1.5], "resize": 40},
        {"zoom": [0.5, 0.5]},
        {"zoom": [1.0, 1.0]},
    ],
)
def test_a_zoomed_crop_is_cut_from_the_whole_picture_scaled(settings: dict[str, object]) -> None:
    """A second implementation scales all of the picture, and then cuts."""
    image, crop = textured(71, 53), 16
    low, high = settings["zoom"]
    for seed in range(60):
        drawn = random.Random(seed)
        factor = drawn.uniform(low, high)
        width, height = (round(71 * 40 / 53), 40) if "resize" in settings else (71, 53)
        whole = image.resize((round(width * factor), round(height * factor)), 3)  # bicubic
        left, top = drawn.randint(0, whole.width - crop), drawn.randint(0, whole.height - crop)
        expected = torch.tensor(
            [whole.getpixel((left + x, top + y)) for y in range(crop) for x in range(crop)]
        )
        found = pixels(prepared(image, seed=seed, crop=crop, **settings))
        assert int((found.permute(1, 2, 0).reshape(-1, 3) - expected).abs().max()) <= 1


def test_tensors_are_zoomed_as_pictures_are() -> None:
    # Smooth, so that neither rounding to 8 bits nor an overshoot at an edge matters.
    image = Image.radial_gradient("L").resize((60, 44), 2).convert("RGB")
    transform = Transform.model_validate({"zoom": [0.5, 1.5], "crop": 20, "flip": False})
    x = prepare(image, Transform(), channels=3, label="")
    for seed in range(20):
        of_image, of_tensor = (
            prepare(one, transform, channels=3, label="", draw=random.Random(seed))
            for one in (image, x)
        )
        assert of_tensor.shape == (3, 20, 20)
        assert float((of_image - of_tensor).abs().max()) < 3 / 127.5


def test_every_zoom_between_the_two_is_drawn() -> None:
    """A ramp of slope 1 has the slope 1 / zoom afterwards."""
    zooms = []
    for seed in range(300):
        row = pixels(prepared(ramp(200, 40), seed=seed, zoom=[0.5, 2.0], crop=16))[0, 8]
        zooms.append(15 / float(row[15] - row[0]))
    assert 0.45 < min(zooms) < 0.6
    assert 1.7 < max(zooms) < 2.3
    mean = sum(zooms) / len(zooms)
    assert abs(mean - 1.25) < 5 * 1.5 / 12**0.5 / 300**0.5 + 0.05  # and the ramp's rounding


def test_test_images_are_not_zoomed() -> None:
    image = textured(30, 20)
    assert torch.equal(prepared(image, crop=16, zoom=[1.0, 3.0]), prepared(image, crop=16))


def test_a_transparent_colour_is_white_in_a_crop_too() -> None:
    """Such an image has the mode RGB already, and still has to be converted."""
    image = Image.new("RGB", (30, 20), (10, 20, 30))
    image.info["transparency"] = (10, 20, 30)
    seen = prepared(image, seed=0, crop=16, zoom=[1.0, 1.5])
    assert torch.equal(seen, torch.ones(3, 16, 16))


def test_preparing_an_image_leaves_it_as_it_was() -> None:
    image = textured(30, 20)
    before = image.tobytes()
    for settings in ({}, {"crop": 16}, {"crop": 16, "zoom": [1.0, 2.0]}, {"resize": 10}):
        prepared(image, seed=1, rotate=True, jitter={"brightness": 0.5}, **settings)
    assert image.tobytes() == before


def test_without_zoom_nothing_more_is_drawn() -> None:
    """Runs that began before there was a zoom go on as they would have."""
    drawn = random.Random(3)
    left, top = drawn.randint(0, 12), drawn.randint(0, 4)
    mirrored = drawn.random() < 0.5
    seen = pixels(prepared(ramp(20, 12), seed=3, crop=8, flip=True))
    columns = torch.arange(left, left + 8).int()
    assert torch.equal(seen[0, 0], columns.flip(0) if mirrored else columns)
    assert int(seen[1, 0, 0]) == top


@pytest.mark.parametrize("as_tensor", [False, True])
@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "summer/7.png is 15 x 10 pixels after a zoom of 0.25, smaller than the crop of 16"),
        ({"resize": 20}, "summer/7.png is 8 x 5 pixels after a zoom of 0.25"),
    ],
)
def test_an_image_too_small_for_the_smallest_zoom_is_refused_whatever_is_drawn(
    settings: dict[str, object], words: str, as_tensor: bool
) -> None:
    image: Any = prepared(ramp(60, 40)) if as_tensor else ramp(60, 40)
    for seed in range(20):
        with pytest.raises(DataError) as caught:
            prepared(image, seed=seed, crop=16, zoom=[0.25, 1.0], **settings)
        assert words in str(caught.value)
    least = float(str(caught.value).partition("data.transform.zoom to ")[2].split()[0])
    for seed in range(20):
        prepared(image, seed=seed, crop=16, zoom=[least, 1.0], **settings)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"zoom": [0.5, 1.0]}, "zoom without crop"),
        ({"zoom": [1.0, 0.5], "crop": 16}, "smaller factor first"),
        ({"zoom": [0.0, 1.0], "crop": 16}, "greater than 0"),
        ({"zoom": [0.5, float("inf")], "crop": 16}, "finite"),
    ],
)
def test_a_zoom_that_cannot_be_is_refused(settings: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Transform.model_validate(settings)


def test_the_domains_may_differ_in_zoom() -> None:
    transform = Transform.model_validate(
        {"crop": 16, "zoom": [0.5, 1.0], "b": {"zoom": [0.25, 0.5]}, "a": {"crop": 8}}
    )
    assert (transform.of("a").zoom, transform.of("a").crop) == ((0.5, 1.0), 8)
    assert (transform.of("b").zoom, transform.of("b").crop) == ((0.25, 0.5), 16)
    assert Transform.model_validate(transform.model_dump(mode="json")) == transform


def test_an_image_that_memory_cannot_hold_is_refused_before_it_is_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`resize = 100000` ended the process, or another, without a word."""
    whole = 4 * 10_000 * 20_000  # Pillow takes four bytes for a pixel of three channels
    monkeypatch.setattr("gantrans.inference.memory.room", lambda: whole - 1)
    for resize in (10_000, [20_000, 10_000]):
        with pytest.raises(
            DataError, match=r"summer/7\.png.*data\.transform\.resize.*20000 x 10000"
        ):
            prepared(ramp(8, 4), resize=resize, crop=16)
    with pytest.raises(DataError, match=r"data\.transform\.resize"):  # float32, three times
        prepared(torch.zeros(3, 4, 8), resize=10_000, crop=16)
    zoom = {"zoom": [5000.0, 5000.0], "crop": 16}
    with pytest.raises(DataError, match=r"data\.transform\.zoom"):
        prepared(torch.zeros(3, 4, 8), seed=0, **zoom)
    assert prepared(ramp(8, 4), seed=0, **zoom).shape == (3, 16, 16)  # of pictures the crop alone
