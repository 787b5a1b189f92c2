from __future__ import annotations

import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from gantrans.api.image import convert
from gantrans.errors import DataError
from gantrans.inference.files.picture import Picture, at_most, is_moving, opened, picture

GREEN = (0, 200, 100)


def read(path: Path, channels: int = 3, **options) -> Picture:
    with opened(path) as image:
        return picture(image, channels, **options)


def saved(image: Image.Image, path: Path, **options) -> Path:
    image.save(path, **options)
    return path


def test_what_is_transparent_keeps_its_own_colour_and_its_alpha(tmp_path):
    image = Image.new("RGBA", (3, 1), GREEN)
    image.putalpha(Image.fromarray(np.array([[0, 51, 255]], dtype=np.uint8)))
    path = saved(image, tmp_path / "a.png")
    kept = read(path, alpha=True)
    assert list(kept.image.get_flattened_data()) == [GREEN] * 3
    assert list(kept.alpha.get_flattened_data()) == [0, 51, 255]
    laid = read(path)
    assert laid.alpha is None
    assert laid.image.getpixel((0, 0)) == (255, 255, 255)


@pytest.mark.parametrize("mode", ["LA", "P"])
def test_alpha_of_gray_and_of_palettes_is_kept_too(tmp_path, mode):
    if mode == "LA":
        image = Image.new("LA", (2, 1), (100, 255))
        image.putpixel((1, 0), (100, 0))
        path, colours = saved(image, tmp_path / "a.png"), [(100,) * 3] * 2
    else:
        image = Image.new("P", (2, 1))
        image.putpalette([*GREEN, 9, 8, 7])
        image.putdata([0, 1])
        path, colours = saved(image, tmp_path / "a.png", transparency=1), [GREEN, (9, 8, 7)]
    kept = read(path, alpha=True)
    assert list(kept.image.get_flattened_data()) == colours
    assert list(kept.alpha.get_flattened_data()) == [255, 0]


def test_an_image_without_transparency_gets_no_alpha(tmp_path):
    assert read(saved(Image.new("RGB", (2, 2)), tmp_path / "a.png"), alpha=True).alpha is None


def test_alpha_is_turned_upright_with_the_image(tmp_path):
    image = Image.new("RGBA", (3, 2), GREEN)
    image.putpixel((0, 0), (*GREEN, 0))
    exif = Image.Exif()
    exif[0x0112] = 6  # the stored top left belongs to the top right
    kept = read(saved(image, tmp_path / "a.png", exif=exif), alpha=True)
    assert kept.image.size == kept.alpha.size == (2, 3)
    assert kept.alpha.getpixel((1, 0)) == 0


@pytest.mark.parametrize("channels", [1, 3])
def test_all_else_is_what_training_sees(tmp_path, channels):
    values = np.arange(256, dtype=np.uint16).reshape(16, 16) * 257
    pixels = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    colours = Image.fromarray(pixels)
    for name, image in {
        "deep.png": Image.fromarray(values),
        "deep.tiff": Image.fromarray(values),
        "gray.bmp": colours.convert("L"),
        "palette.png": colours.convert("P"),
        "bits.png": colours.convert("1"),
        "inks.tiff": colours.convert("CMYK"),
        "colours.png": colours,
    }.items():
        path = saved(image, tmp_path / name)
        with Image.open(path) as plain:
            expected = convert(plain, channels)
        assert read(path, channels).image.tobytes() == expected.tobytes(), name


def chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)


@pytest.mark.parametrize(("colour", "bands"), [(2, 3), (6, 4)])
def test_colours_of_16_bits_are_seen_by_their_upper_8(tmp_path, colour, bands):
    values = np.random.default_rng(0).integers(0, 65536, (5, 4, bands)).astype(">u2")
    rows = b"".join(b"\0" + row.tobytes() for row in values)
    path = tmp_path / "a.png"
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", 4, 5, 16, colour, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )
    seen = read(path, alpha=True)
    assert np.array_equal(np.asarray(seen.image), values[..., :3] >> 8)
    if bands == 4:
        assert np.array_equal(np.asarray(seen.alpha), values[..., 3] >> 8)


def test_inks_with_a_profile_are_seen_through_it(tmp_path, monkeypatch):
    image = Image.new("CMYK", (2, 2), (0, 255, 255, 0))
    path = saved(image, tmp_path / "a.tiff", icc_profile=b"inks")
    assert read(path).image.getpixel((0, 0)) == (255, 0, 0)  # a profile that cannot be used
    asked = []

    def through(image, source, target, outputMode):  # as Pillow calls it
        asked.append((image.mode, outputMode))
        return Image.new("RGB", image.size, GREEN)

    monkeypatch.setattr(ImageCms, "ImageCmsProfile", lambda stream: stream.read())
    monkeypatch.setattr(ImageCms, "profileToProfile", through)
    assert read(path).image.getpixel((0, 0)) == GREEN
    assert asked == [("CMYK", "RGB")]


def test_integers_of_unknown_range_are_refused(tmp_path):
    values = np.array([[0, 70_000]], dtype=np.int32)
    with pytest.raises(DataError, match=r"a\.tiff: its pixels are integers from 0 to 70000"):
        read(saved(Image.fromarray(values), tmp_path / "a.tiff"))
    sixteen = saved(Image.fromarray(values // 2), tmp_path / "b.tiff")
    assert read(sixteen, 1).image.getpixel((1, 0)) == 35_000 // 256


def test_a_larger_image_than_allowed_is_refused_and_a_photograph_gives_no_warning(tmp_path):
    path = saved(Image.new("1", (8192, 8192)), tmp_path / "a.png")
    before = Image.MAX_IMAGE_PIXELS
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with at_most(100), opened(path) as image:
            assert image.size == (8192, 8192)
    for limit in (60, 30):  # from the limit on, where Pillow by itself would warn, or refuse
        with (
            at_most(limit),
            pytest.raises(DataError, match=r"a\.png.*give a higher --max-megapixels"),
            opened(path),
        ):
            pass
    assert before == Image.MAX_IMAGE_PIXELS


def test_a_bomb_that_the_user_trusts_is_opened(tmp_path, monkeypatch):
    path = saved(Image.new("1", (8192, 8192)), tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with at_most(70), opened(path) as image:
        assert image.size == (8192, 8192)


def test_animations_and_pages_move_and_photographs_do_not(tmp_path):
    frames = [Image.new("L", (4, 4), level) for level in (0, 100, 200)]
    for name in ("a.gif", "a.png", "a.webp", "a.tiff"):
        many, one = tmp_path / name, tmp_path / f"one-{name}"
        frames[0].save(many, save_all=True, append_images=frames[1:])
        frames[0].save(one)
        for path in (many, one):
            with opened(path) as image:
                assert is_moving(image) == (path is many), path


@pytest.mark.parametrize("content", [b"", b"these are words\n", b"\xff\xd8\xff\xe0half"])
def test_what_is_no_image_is_named_on_one_line(tmp_path, content):
    path = tmp_path / "a\nb.png"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read(path)
    assert "a\\nb.png" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_larger_image_is_refused_with_the_limit_that_was_given(tmp_path):
    path = saved(Image.new("L", (100, 100)), tmp_path / "a.png")
    for megapixels in (0.009, 0.004):  # Pillow warns of the first, and refuses the second
        with pytest.raises(DataError) as caught, at_most(megapixels):
            read(path)
        assert f"a.png: it has more than {megapixels} megapixels; if you" in str(caught.value)


def test_a_file_that_is_not_there_or_closed_is_not_to_be_repaired(tmp_path, monkeypatch):
    (tmp_path / "a.png").symlink_to(tmp_path / "gone.png")
    with pytest.raises(DataError) as caught:
        read(tmp_path / "a.png")
    reason = "No such file or directory; see to it that the file can be read, or leave it out"
    assert str(caught.value) == f"cannot read the image {tmp_path / 'a.png'}: {reason}"

    def closed(path, **_):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Image, "open", closed)
    with pytest.raises(DataError, match=r"a\.png: Permission denied; see to it"):
        read(tmp_path / "a.png")


@pytest.mark.parametrize("key", [100, 25_600])
def test_a_transparent_value_of_16_bits_is_no_value_of_8(tmp_path, key):
    image = Image.fromarray(np.array([[25_600, 100, 65_535]], dtype=np.uint16))
    kept = read(saved(image, tmp_path / "a.png", transparency=key), 1, alpha=True)
    assert list(kept.image.get_flattened_data()) == [100, 0, 255]
    assert kept.alpha is None
