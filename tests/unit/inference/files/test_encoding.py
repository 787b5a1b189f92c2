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
