from __future__ import annotations

import io
import struct
from pathlib import Path

import pytest
from PIL import Image, ImageCms, PngImagePlugin

from gantrans.inference.files.encoding import encoded
from gantrans.inference.files.formats import FORMATS
from gantrans.inference.files.keeping import NOTHING, Kept, kept_of

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
ARTIST, ORIENTATION, EXPOSURE, LATITUDE = 315, 0x0112, 0x829A, 2
EXIF_FOLDER, PLACE = 0x8769, 0x8825


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """With all that a camera and a program write beside the pixels."""
    exif = Image.Exif()
    exif[ARTIST], exif[ORIENTATION] = "someone", 6
    exif.get_ifd(EXIF_FOLDER)[EXPOSURE] = 0.25
    exif.get_ifd(PLACE)[LATITUDE] = (49.0, 42.0, 25.0)
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Title", "cliffs")
    texts.add_itxt("XML:com.adobe.xmp", "<x tiff:Orientation='6'/>")
    path = tmp_path / "a.png"
    image = Image.new("RGB", (6, 4), "red")
    image.save(path, exif=exif, icc_profile=SRGB, dpi=(300, 300), pnginfo=texts)
    return path


def written(path: Path, kept: Kept, suffix: str, mode: str = "RGB") -> Image.Image:
    target = path.with_name(f"out{suffix}")
    target.write_bytes(encoded([Image.new(mode, (4, 6))], FORMATS[suffix], kept=kept))
    image = Image.open(target)
    image.load()
    return image


def kept_from(path: Path, metadata) -> Kept:
    with Image.open(path) as image:
        image.load()
        return kept_of(image, metadata)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tiff"])
def test_the_colour_profile_is_kept_alone_unless_more_is_wanted(photo, suffix):
    with written(photo, kept_from(photo, "profile"), suffix) as image:
        assert image.info["icc_profile"] == SRGB
        assert ARTIST not in image.getexif()
        assert "Title" not in image.info
    assert kept_from(photo, "none") == NOTHING
    with written(photo, NOTHING, suffix) as image:
        assert "icc_profile" not in image.info


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tiff"])
def test_all_keeps_what_describes_the_picture_and_not_how_it_lay(photo, suffix):
    with written(photo, kept_from(photo, "all"), suffix) as image:
        exif = image.getexif()
        assert exif[ARTIST] == "someone"
        assert ORIENTATION not in exif
        if suffix != ".tiff":
            assert exif.get_ifd(EXIF_FOLDER)[EXPOSURE] == 0.25
            assert tuple(exif.get_ifd(PLACE)[LATITUDE]) == (49.0, 42.0, 25.0)
        if suffix != ".webp":
            assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)
        if suffix == ".png":
            assert image.text == {"Title": "cliffs"}


def test_the_profile_of_other_colours_is_left_out(photo):
    kept = kept_from(photo, "profile")
    with written(photo, kept, ".png", "L") as image:
        assert "icc_profile" not in image.info
    inks = Kept(profile=SRGB[:16] + b"CMYK" + SRGB[20:])
    with written(photo, inks, ".png") as image:
        assert "icc_profile" not in image.info


def test_a_format_that_holds_none_of_it_is_written_all_the_same(photo):
    with written(photo, kept_from(photo, "all"), ".bmp") as image:
        assert image.size == (4, 6)


def with_resolution(numerator: int, denominator: int) -> bytes:
    """A TIFF file whose resolution is that fraction, in pixels an inch."""
    stream = io.BytesIO()
    Image.new("RGB", (6, 4), "red").save(stream, "TIFF", dpi=(72, 72))
    content = bytearray(stream.getvalue())
    [folder] = struct.unpack_from("<I", content, 4)
    [count] = struct.unpack_from("<H", content, folder)
    for entry in range(folder + 2, folder + 2 + 12 * count, 12):
        tag, _, _, place = struct.unpack_from("<HHII", content, entry)
        if tag in (282, 283):  # across and down
            struct.pack_into("<II", content, place, numerator, denominator)
    return bytes(content)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tiff", ".bmp"])
@pytest.mark.parametrize(
    ("resolution", "kept_as"),
    [((300, 1), 300), ((0, 0), None), ((1, 0), None), ((2**32 - 1, 1), None)],
)
def test_what_is_no_resolution_is_left_out_and_said(tmp_path, suffix, resolution, kept_as):
    path = tmp_path / "a.tiff"
    path.write_bytes(with_resolution(*resolution))
    notes = []
    content = encoded(
        [Image.new("RGB", (6, 4))],
        FORMATS[suffix],
        kept=kept_from(path, "all"),
        note=notes.append,
    )
    with Image.open(io.BytesIO(content)) as image:
        dpi = image.info.get("dpi")
    if suffix == ".webp":  # which holds none
        assert notes == []
    elif kept_as is None:
        assert dpi is None or max(dpi) < 100  # some formats always say one
        assert len(notes) == 1
    else:
        assert dpi == pytest.approx((kept_as, kept_as), abs=0.1)
        assert notes == []


def test_metadata_that_the_format_cannot_hold_is_left_out_and_said_and_the_rest_is_kept():
    exif = Image.Exif()
    exif[ARTIST] = "x" * 70_000  # a segment of JPEG has 64 kB
    notes = []
    kept = Kept(SRGB, exif.tobytes(), (300, 300))
    content = encoded([Image.new("RGB", (6, 4))], "JPEG", kept=kept, note=notes.append)
    with Image.open(io.BytesIO(content)) as image:
        assert image.info["icc_profile"] == SRGB
        assert image.info["dpi"] == (300, 300)
        assert ARTIST not in image.getexif()
    assert len(notes) == 1
    assert "EXIF" in notes[0]


def test_exif_that_cannot_be_copied_is_left_out_and_said(photo, monkeypatch):
    def odd(self, *arguments):
        raise struct.error("argument out of range")

    monkeypatch.setattr(Image.Exif, "tobytes", odd)
    kept = kept_from(photo, "all")
    assert (kept.exif, kept.dpi) == (None, pytest.approx((300, 300), abs=0.1))
    assert "EXIF" in kept.notes[0]
