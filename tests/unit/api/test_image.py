from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from gantrans.api.image import convert, open_image, to_image, to_tensor
from gantrans.errors import DataError

RED, BLUE, WHITE = (255, 0, 0), (0, 0, 255), (255, 255, 255)


def saved(image: Image.Image, path: Path, **options: object) -> Path:
    image.save(path, **options)
    return path


# EXIF orientation -> where the first stored pixel belongs once the image is upright, (column, row)
# in fractions of the last index, and whether width and height change places. From the EXIF
# standard: the value says which visual side the stored row 0 and column 0 are (1: top, left).
UPRIGHT = {
    1: ((0, 0), False),
    2: ((1, 0), False),
    3: ((1, 1), False),
    4: ((0, 1), False),
    5: ((0, 0), True),
    6: ((1, 0), True),
    7: ((1, 1), True),
    8: ((0, 1), True),
}


@pytest.mark.parametrize("orientation", UPRIGHT)
def test_exif_orientation_is_applied(orientation: int, tmp_path: Path) -> None:
    stored = Image.new("RGB", (3, 2), BLUE)
    stored.putpixel((0, 0), RED)
    exif = Image.Exif()
    exif[0x0112] = orientation
    upright = open_image(saved(stored, tmp_path / "x.png", exif=exif))

    (column, row), swapped = UPRIGHT[orientation]
    assert upright.size == ((2, 3) if swapped else (3, 2))
    corner = (column * (upright.width - 1), row * (upright.height - 1))
    assert upright.getpixel(corner) == RED
    assert (
        sum(
            upright.getpixel((x, y)) == RED
            for x in range(upright.width)
            for y in range(upright.height)
        )
        == 1
    )


def test_a_palette_becomes_its_colours(tmp_path: Path) -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([*RED, *BLUE])
    image.putdata([0, 1])
    opened = open_image(saved(image, tmp_path / "x.png"))
    assert opened.mode == "P"
    assert [convert(opened, 3).getpixel((x, 0)) for x in (0, 1)] == [RED, BLUE]


def test_a_transparent_palette_entry_becomes_white(tmp_path: Path) -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([*RED, *BLUE])
    image.putdata([0, 1])
    opened = open_image(saved(image, tmp_path / "x.png", transparency=1))
    assert [convert(opened, 3).getpixel((x, 0)) for x in (0, 1)] == [RED, WHITE]


@pytest.mark.parametrize("alpha", [0, 51, 128, 255])
def test_rgba_is_laid_over_white(alpha: int) -> None:
    colour = (200, 100, 0)
    over = convert(Image.new("RGBA", (1, 1), (*colour, alpha)), 3).getpixel((0, 0))
    expected = [value * alpha / 255 + 255 * (255 - alpha) / 255 for value in colour]
    assert over == pytest.approx(expected, abs=1)


def test_gray_with_alpha_is_laid_over_white() -> None:
    image = Image.new("LA", (1, 1), (100, 51))
    gray = convert(image, 1)
    assert gray.mode == "L"
    assert gray.getpixel((0, 0)) == pytest.approx(100 * 0.2 + 255 * 0.8, abs=1)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_16_bit_gray_is_scaled_to_8_bits(suffix: str, tmp_path: Path) -> None:
    values = np.array([[0, 256, 32768, 65535]], dtype=np.uint16)
    opened = open_image(saved(Image.fromarray(values), tmp_path / f"x{suffix}"))
    gray, colour = convert(opened, 1), convert(opened, 3)
    for x, expected in enumerate((0, 1, 128, 255)):
        assert gray.getpixel((x, 0)) == expected
        assert colour.getpixel((x, 0)) == (expected,) * 3


def test_1_bit_becomes_black_and_white(tmp_path: Path) -> None:
    image = Image.new("1", (2, 1))
    image.putdata([0, 1])
    opened = open_image(saved(image, tmp_path / "x.bmp"))
    assert [convert(opened, 1).getpixel((x, 0)) for x in (0, 1)] == [0, 255]


def test_cmyk_becomes_colours(tmp_path: Path) -> None:
    image = Image.new("CMYK", (1, 1), (0, 255, 255, 0))  # no cyan: all red, no green, no blue
    opened = open_image(saved(image, tmp_path / "x.tiff"))
    assert opened.mode == "CMYK"
    assert convert(opened, 3).getpixel((0, 0)) == RED


def test_colour_becomes_luma_for_a_gray_domain() -> None:
    red, green, blue = 10, 200, 60
    gray = convert(Image.new("RGB", (1, 1), (red, green, blue)), 1).getpixel((0, 0))
    assert gray == pytest.approx(0.299 * red + 0.587 * green + 0.114 * blue, abs=1)


def test_tensors_hold_minus_one_to_one_and_come_back_unchanged() -> None:
    ramp = Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16))
    tensor = to_tensor(ramp, 1)
    assert tensor.shape == (1, 16, 16)
    assert tensor.dtype == torch.float32
    assert (tensor.min(), tensor.max()) == (-1, 1)
    assert to_image(tensor).tobytes() == ramp.tobytes()


def test_values_outside_the_range_are_clipped() -> None:
    assert to_image(torch.tensor([[[-3.0, 3.0]]])).tobytes() == bytes([0, 255])


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tiff", ".bmp"])
def test_a_truncated_file_is_named(suffix: str, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    path = saved(Image.fromarray(noise), tmp_path / f"half{suffix}")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(DataError, match=rf"half{suffix}.*take it out"):
        open_image(path)


@pytest.mark.parametrize("content", [b"", b"these are words, no pixels\n", b"\x89PNG\r\n\x1a\n"])
def test_a_file_that_is_no_image_is_named(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "words.png"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"words\.png"):
        open_image(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone\.png"):
        open_image(tmp_path / "gone.png")


def test_a_decompression_bomb_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(Image.new("L", (64, 64)), tmp_path / "bomb.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 64 * 64 // 2 - 1)  # Pillow refuses from twice
    with pytest.raises(DataError, match=r"bomb\.png"):
        open_image(path)


def test_looking_at_image_files_needs_no_torch() -> None:
    code = "import sys, gantrans.api.image; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("mode", ["F", "LAB"])
def test_pixels_that_no_rule_turns_into_colours_are_refused(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "odd.tiff"
    Image.new(mode, (8, 8)).save(path)
    with pytest.raises(DataError, match=r"odd\.tiff"):
        open_image(path)


def test_a_tensor_stays_as_it_is_if_it_is_what_it_should_be() -> None:
    x = torch.rand(5, 2, 3) * 2 - 1
    assert torch.equal(to_tensor(x, 5), x)
    assert to_tensor(x.half(), 5).dtype == torch.float32
    for wrong in (x[:4], x[None], x[0], (x * 9).int()):
        with pytest.raises(DataError, match=r"found a tensor .*expected float32 \(5, H, W\)"):
            to_tensor(wrong, 5)


def test_a_tensor_is_taken_as_a_copy_since_its_source_may_use_one_buffer() -> None:
    buffer = torch.zeros(1, 4, 4)
    first = to_tensor(buffer, 1)
    buffer.fill_(1)
    assert not first.any()


@pytest.mark.parametrize("shape", [(3, 7, 5), (1, 7, 5), (3, 1, 40), (1, 40, 1)])
def test_an_image_made_in_bands_of_rows_is_the_whole_one(
    shape: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    x = torch.rand(shape, generator=torch.Generator().manual_seed(0)) * 2.4 - 1.2
    levels = np.rint((np.clip(x.numpy(), -1, 1) + 1) * 127.5).astype(np.uint8)
    expected = levels.transpose(1, 2, 0) if shape[0] == 3 else levels[0]
    for band in (1, 11, 2**20):
        monkeypatch.setattr("gantrans.api.image._BAND", band)
        assert np.array_equal(np.asarray(to_image(x)), expected)


def test_an_image_has_one_channel_or_three() -> None:
    with pytest.raises(ValueError, match="1 or 3 channels, not 2"):
        to_image(torch.zeros(2, 4, 4))
