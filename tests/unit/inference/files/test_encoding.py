from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from gantrans.errors import DataError
from gantrans.inference.files.encoding import Timing, encoded

NOISE = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)


def back(content: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


@pytest.mark.parametrize("format", ["JPEG", "WEBP"])
def test_quality_trades_size_for_loss(format):
    image = Image.fromarray(NOISE)
    low, high = (encoded([image], format, quality=quality) for quality in (20, 90))
    assert len(low) < len(high) < len(encoded([image], format))
    assert np.asarray(back(low)).tolist() != NOISE.tolist()


@pytest.mark.parametrize("format", ["PNG", "WEBP", "TIFF", "BMP"])
def test_without_a_quality_nothing_is_lost_but_in_jpeg(format):
    assert np.array_equal(np.asarray(back(encoded([Image.fromarray(NOISE)], format))), NOISE)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
@pytest.mark.parametrize("format", ["PNG", "WEBP", "TIFF", "JPEG", "BMP"])
def test_alpha_is_written_where_the_format_has_it(mode, format):
    image = Image.fromarray(NOISE).convert(mode.rstrip("A"))
    alpha = Image.fromarray(NOISE[..., 0])
    image.putalpha(alpha)
    read = back(encoded([image], format))
    if format in ("JPEG", "BMP"):
        assert "A" not in read.mode
    else:
        assert np.array_equal(np.asarray(read.getchannel("A")), np.asarray(alpha))
        colours = np.asarray(read.convert("RGBA"))[..., :3]
        assert np.array_equal(colours, np.asarray(image.convert("RGBA"))[..., :3])


@pytest.mark.parametrize(("format", "side"), [("WEBP", 16384), ("JPEG", 65501)])
def test_a_side_that_a_format_cannot_have_is_told_with_a_way_out(format, side):
    with pytest.raises(DataError, match=rf"{side} x 1 pixels.* at most .*use --format png"):
        encoded([Image.new("L", (side, 1))], format)
    assert back(encoded([Image.new("L", (side, 1))], "PNG")).size == (side, 1)


@pytest.mark.parametrize("format", ["GIF", "PNG", "WEBP"])
@pytest.mark.parametrize(("loops", "expected"), [(0, 0), (3, 3), (None, {"GIF": None})])
def test_durations_and_loops_are_written(format, loops, expected):
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "green", "blue")]
    content = encoded(frames, format, timing=Timing([40, 200, 70], loops))
    with Image.open(io.BytesIO(content)) as image:
        durations = []
        for number in range(image.n_frames):
            image.seek(number)
            image.load()
            durations.append(image.info["duration"])
        assert durations == [40, 200, 70]
        if isinstance(expected, dict):
            expected = expected.get(format, 1)
        assert image.info.get("loop") == expected


@pytest.mark.parametrize("format", ["JPEG", "BMP"])
def test_several_images_in_a_format_of_one_are_refused(format):
    with pytest.raises(DataError, match=f"it has 2 images, and {format} files hold one"):
        encoded([Image.new("L", (2, 2))] * 2, format)


def test_pages_of_several_sizes_are_refused_where_all_images_share_one_canvas():
    pages = [Image.new("RGB", (30, 20)), Image.new("RGB", (11, 7), "red")]
    for format in ("PNG", "WEBP", "GIF"):
        with pytest.raises(DataError, match="2 sizes"):
            encoded(pages, format)
    with Image.open(io.BytesIO(encoded(pages, "TIFF"))) as image:
        sizes = []
        for number in range(image.n_frames):
            image.seek(number)
            sizes.append(image.size)
    assert sizes == [(30, 20), (11, 7)]


def played(content: bytes) -> tuple[list[float], int | None]:
    """Durations in milliseconds, and loops."""
    with Image.open(io.BytesIO(content)) as image:
        times = []
        for number in range(getattr(image, "n_frames", 1)):
            image.seek(number)
            image.load()
            times.append(image.info.get("duration"))
        return times, image.info.get("loop")


DAY = 24 * 60 * 60 * 1000


@pytest.mark.parametrize(
    ("format", "time", "said"),
    [
        ("GIF", 600_000, 600_000),
        ("GIF", DAY, 655_350),  # 16 bits of hundredths of a second
        ("WEBP", DAY, 2**24 - 1),  # 24 bits of milliseconds
        ("PNG", DAY, 65_535_000),  # a fraction of two numbers of 16 bits
        ("PNG", 70_001, 70_000),
    ],
)
def test_a_frame_stands_as_long_as_the_format_can_say(format, time, said):
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "green", "blue")]
    notes = []
    times, _ = played(encoded(frames, format, timing=Timing([50, time, 50]), note=notes.append))
    assert times == [50, pytest.approx(said), 50]
    assert len(notes) == (1 if time == DAY else 0)


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG"])
def test_frames_that_are_alike_are_written_however_long_they_stand(format):
    red, blue = (Image.new("RGB", (8, 8), colour) for colour in ("red", "blue"))
    notes = []
    frames, timing = [red, red, red, blue], Timing([600_000, 600_000, 600_000, 50])
    times, _ = played(encoded(frames, format, timing=timing, note=notes.append))
    assert sum(times) == (
        600_000 * 3 + 50 if format != "GIF" else pytest.approx(3 * 655_350 / 4 + 50, abs=20)
    )
    assert len(notes) == (1 if format == "GIF" else 0)


@pytest.mark.parametrize(
    ("format", "most"), [("GIF", 2**16 - 1), ("WEBP", 2**16 - 1), ("PNG", 2**32 - 1)]
)
def test_more_loops_than_a_format_can_say_are_the_most_that_it_can(format, most):
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "green")]
    for loops, said in ((most, 0), (2**40, 1)):
        notes = []
        content = encoded(frames, format, timing=Timing([50, 50], loops), note=notes.append)
        assert played(content)[1] == most
        assert len(notes) == said


@pytest.mark.parametrize(
    ("raised", "told"), [(ArithmeticError("odd"), DataError), (MemoryError(), MemoryError)]
)
def test_whatever_pillow_raises_while_it_writes_is_an_error_of_that_image(
    monkeypatch, raised, told
):
    def odd(self, stream, **options):
        raise raised

    monkeypatch.setattr(Image.Image, "save", odd)
    with pytest.raises(told):
        encoded([Image.new("L", (2, 2))], "PNG")
