"""What comes back is what `gantrans translate` writes, and what must not be decoded is not."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from gantrans.errors import DataError, UsageError
from gantrans.inference.files.plan import FileJob
from gantrans.inference.files.translate import translate_files
from gantrans.serving.codec import Codec
from gantrans.serving.limits import Limits
from gantrans.serving.models import Served
from gantrans.serving.problem import Problem
from gantrans.serving.translation import Translation, translate
from served_model import as_file, landscape

UPSIDE_DOWN = Image.Exif()
UPSIDE_DOWN[0x0112] = 3
SIDEWAYS = Image.Exif()
SIDEWAYS[0x0112] = 6

FILES: list[tuple[str, str, dict[str, Any]]] = [
    ("photo.jpg", "RGB", {}),
    ("PHOTO.JPEG", "L", {}),
    ("turned.jpg", "RGB", {"exif": SIDEWAYS}),
    ("turned.webp", "RGB", {"exif": UPSIDE_DOWN, "lossless": True}),
    ("gray.png", "L", {}),
    ("clear.png", "RGBA", {}),
    ("half.webp", "RGBA", {"lossless": True}),
    ("palette.png", "P", {}),
    ("deep.png", "I;16", {}),
    ("deep.tiff", "I;16", {}),
    ("inks.tif", "CMYK", {}),
    ("plain.bmp", "RGB", {}),
    ("still.gif", "P", {}),
]


@pytest.fixture(scope="module", autouse=True)
def codec() -> Iterator[None]:
    """One for all tests."""
    with closing(CODEC):
        yield


CODEC = Codec()


def translated(
    served: Served, content: bytes, name: str, to: str = "winter", **options: Any
) -> Translation:
    given: dict[str, Any] = {"round_trip": False, "limits": Limits(), "look": lambda share: None}
    return translate(served.translator, content, name, to, codec=CODEC, **{**given, **options})


@pytest.mark.parametrize(("name", "mode", "options"), FILES, ids=[file[0] for file in FILES])
def test_files_are_those_of_translate_byte_for_byte(
    name: str, mode: str, options: dict[str, Any], served: Sequence[Served], tmp_path: Path
) -> None:
    suffix = Path(name).suffix.lower()
    format = {".jpg": "JPEG", ".tif": "TIFF"}.get(suffix, suffix[1:].upper())
    content = as_file(landscape(mode=mode), format, **options)
    given = tmp_path / name
    given.write_bytes(content)
    job = FileJob(given, tmp_path / "out" / name, tmp_path / "out" / f"back-{name}")
    [outcome] = translate_files(served[0].translator, [job], "winter")
    assert outcome.error is None

    found = translated(served[0], content, name, round_trip=True)

    assert found.output.content == job.target.read_bytes()
    assert found.cycle and job.cycle and found.cycle.content == job.cycle.read_bytes()
    assert found.output.name == f"{given.stem}.winter{given.suffix}"
    assert found.cycle.name == f"{given.stem}.cycle{given.suffix}"
    with Image.open(job.target) as image:
        assert (found.output.size, found.output.format) == (image.size, image.format)


def test_an_image_that_needs_more_memory_than_allowed_is_the_same_in_pieces(
    served: Sequence[Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    content = as_file(landscape((96, 80)))
    whole = translated(served[0], content, "a.png").output.content
    monkeypatch.setattr(served[0].translator._large, "fits", lambda *_: False)
    shares: list[float] = []

    pieces = translated(served[0], content, "a.png", look=shares.append).output.content

    levels = [Image.open(io.BytesIO(c)).tobytes() for c in (whole, pieces)]
    assert max(abs(a - b) for a, b in zip(*levels, strict=True)) <= 1
    assert shares == sorted(shares) and shares[-1] == 1


def test_a_domain_of_gray_images_gives_gray_ones(served: Sequence[Served]) -> None:
    found = translated(served[1], as_file(landscape()), "a.png")

    assert Image.open(io.BytesIO(found.output.content)).mode == "L"


def test_what_browsers_do_not_show_comes_as_png_too_upright(served: Sequence[Served]) -> None:
    image = landscape((24, 16))
    content = as_file(image, "TIFF", exif=SIDEWAYS)

    found = translated(served[0], content, "a.tif", round_trip=True)

    assert found.previews.keys() == {"input", "output", "cycle"}
    seen = {k: Image.open(io.BytesIO(png)) for k, png in found.previews.items()}
    assert all(png.format == "PNG" and png.size == (16, 24) for png in seen.values())
    assert seen["input"].tobytes() == image.transpose(Image.Transpose.ROTATE_270).tobytes()
    output = Image.open(io.BytesIO(found.output.content))
    assert seen["output"].tobytes() == output.tobytes()
    assert not translated(served[0], as_file(image), "a.png").previews


def test_a_file_gets_the_suffix_of_what_it_really_is(served: Sequence[Served]) -> None:
    found = translated(served[0], as_file(landscape(), "WEBP"), "liar.jpg")

    assert (found.output.name, found.output.media_type) == ("liar.winter.webp", "image/webp")


def bomb(width: int, height: int) -> bytes:
    """A PNG file of a few bytes that says it is so large; decoding it would fail."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", b"no deflate stream"), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


@pytest.mark.parametrize("size", [(101, 100), (100_000, 100_000), (2**31 - 1, 2**31 - 1)])
def test_an_image_of_too_many_pixels_is_refused_by_the_head_of_its_file(
    size: tuple[int, int], served: Sequence[Served]
) -> None:
    with pytest.raises(Problem, match=r"at most 0\.01 megapixels") as caught:
        translated(served[0], bomb(*size), "bomb.png", limits=Limits(pixels=10_000))

    assert caught.value.status == 413


def moving(format: str) -> bytes:
    frames = [landscape(hue=n) for n in range(3)]
    return as_file(frames[0], format, save_all=True, append_images=frames[1:])


@pytest.mark.parametrize(
    ("content", "status", "message"),
    [
        (b"hello", 415, r"odd\.png is no image that can be read here: give PNG, JPEG"),
        (as_file(landscape(), "PPM"), 415, r"odd\.png is no image that can be read here: give PNG"),
        (moving("GIF"), 415, "several images.*gantrans translate"),
        (moving("TIFF"), 415, "several images.*gantrans translate"),
    ],
    ids=["text", "ppm", "gif", "pages"],
)
def test_what_is_not_taken_is_told_with_what_to_give(
    content: bytes, status: int, message: str, served: Sequence[Served]
) -> None:
    with pytest.raises(Problem, match=message) as caught:
        translated(served[0], content, "odd.png")

    assert caught.value.status == status


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            as_file(landscape((400, 400)), "JPEG")[:2000],
            "cannot read the image odd.png: .*truncated",
        ),
        (bomb(10, 10), "cannot read the image odd.png"),
        (as_file(landscape().convert("F"), "TIFF"), "cannot use the image odd.png: .*floating"),
    ],
    ids=["truncated", "damaged", "floating point"],
)
def test_a_damaged_image_is_named_and_told(
    content: bytes, message: str, served: Sequence[Served]
) -> None:
    with pytest.raises(DataError, match=message):
        translated(served[0], content, "odd.png")


def test_a_direction_that_is_not_there_is_told(served: Sequence[Served]) -> None:
    content = as_file(landscape())
    with pytest.raises(UsageError, match="does not translate to 'spring'"):
        translated(served[0], content, "a.png", "spring")
    with pytest.raises(Problem, match="no way back from winter"):
        translated(served[1], content, "a.png", round_trip=True)


def test_where_no_memory_is_left_that_is_told(
    served: Sequence[Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(served[0].translator, "translate_image", full)
    with pytest.raises(Problem, match="no memory is left") as caught:
        translated(served[0], as_file(landscape()), "a.png")

    assert caught.value.status == 503
