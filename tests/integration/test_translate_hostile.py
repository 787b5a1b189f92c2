"""Odd, damaged and hostile files through `gantrans translate`, all in one batch.

Whatever lies in the folder: no traceback; each file has all of its outputs, whole, or none and is
named in the error; those behind it are translated; nothing that was there before is changed.
"""

from __future__ import annotations

import hashlib
import os
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from gantrans.cli.translate import translate
from gantrans.errors import GantransError
from gantrans.inference.files.shown import shown
from served_model import as_file, landscape, write_run

NEVER: tuple[str, ...] = ()
ALWAYS = ("as it is", "webp", "png", "jpg", "tiff")

OPTIONS = {
    "as it is": ("--recursive",),
    "webp": ("--format", "webp", "--metadata", "all", "--compare", "--round-trip"),
    "png": ("--format", "png", "--metadata", "all", "--batch-size", "4"),
    "jpg": ("--format", "jpg", "--metadata", "all", "--compare"),
    "tiff": ("--format", "tiff", "--metadata", "all", "--round-trip"),
}


def animation(format: str, colours: tuple[str, ...] = ("red", "green"), **options: Any) -> bytes:
    first, *others = [Image.new("RGB", (8, 6), colour) for colour in colours]
    return as_file(first, format, save_all=True, append_images=others, **options)


def alike(frames: int, time: int) -> bytes:
    """A GIF file with frames that are all the same, each for so many hundredths of a second.

    Pillow would make one of them.
    """
    content = as_file(landscape(), "GIF")
    start = 13 + 3 * 2 ** (content[10] % 8 + 1)  # behind the palette
    image = content[content.index(b",", start) : -1]
    return (
        content[:start]
        + (struct.pack("<BBBBHBB", 0x21, 0xF9, 4, 0, time, 0, 0) + image) * (frames)
        + b";"
    )


def pages(*sizes: tuple[int, int]) -> bytes:
    first, *others = [landscape(size, hue=hue) for hue, size in enumerate(sizes)]
    return as_file(first, "TIFF", save_all=True, append_images=others)


def with_resolution(numerator: int, denominator: int) -> bytes:
    content = bytearray(as_file(landscape(), "TIFF", dpi=(72, 72)))
    [folder] = struct.unpack_from("<I", content, 4)
    [count] = struct.unpack_from("<H", content, folder)
    for entry in range(folder + 2, folder + 2 + 12 * count, 12):
        tag, _, _, place = struct.unpack_from("<HHII", content, entry)
        if tag in (282, 283):
            struct.pack_into("<II", content, place, numerator, denominator)
    return bytes(content)


def with_header(width: int, height: int) -> bytes:
    """A PNG file that says this size, and has the pixels of another."""
    content = bytearray(as_file(landscape()))
    content[16:24] = struct.pack(">II", width, height)
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    return bytes(content)


def with_exif(length: int) -> bytes:
    exif = Image.Exif()
    exif[315] = "x" * length
    return as_file(landscape(), exif=exif)


def palette(**options: Any) -> bytes:
    return as_file(landscape().convert("P", palette=Image.Palette.ADAPTIVE), **options)


JPEG, PNG = as_file(landscape((40, 30)), "JPEG"), as_file(landscape((40, 30)))
PROFILE = b"\0" * 16 + b"CMYK" + b"garbage"

FILES: dict[str, tuple[bytes, tuple[str, ...]]] = {
    # A name, the content, and under which options it cannot be translated.
    "empty.png": (b"", ALWAYS),
    "words.jpg": (b"no image at all", ALWAYS),
    "cut-off.jpg": (JPEG[: len(JPEG) // 2], ALWAYS),
    "cut-off-too.png": (PNG[: len(PNG) // 2], ALWAYS),
    "cut-off-frames.gif": (animation("GIF", ("red", "green", "blue"))[:-60], ALWAYS),
    "damaged.png": (PNG[:45] + b"\xff" * 20 + PNG[65:], ALWAYS),
    "no-pixels.png": (with_header(0, 7), ALWAYS),
    "too-many-pixels.png": (with_header(100_000, 100_000), ALWAYS),
    "in-truth-jpeg.png": (JPEG, NEVER),
    "in-truth-png.bmp": (PNG, NEVER),
    "in-truth-several.bmp": (animation("GIF"), ("as it is", "jpg")),
    "inks.jpg": (as_file(landscape(mode="CMYK"), "JPEG"), NEVER),
    "inks-odd-profile.jpg": (
        as_file(landscape(mode="CMYK"), "JPEG", icc_profile=PROFILE),
        NEVER,
    ),
    "deep.png": (as_file(landscape(mode="I;16")), NEVER),
    "deep-too.tiff": (as_file(landscape(mode="I;16"), "TIFF"), NEVER),
    "unknown-white.tiff": (as_file(Image.new("I", (8, 6), 70_000), "TIFF"), ALWAYS),
    "floating.tiff": (as_file(Image.new("F", (8, 6), 0.5), "TIFF"), ALWAYS),
    "cielab.tiff": (as_file(Image.new("LAB", (8, 6)), "TIFF"), ALWAYS),
    "two-levels.png": (as_file(landscape(mode="1")), NEVER),
    "gray-alpha.png": (as_file(landscape(mode="LA")), NEVER),
    "alpha.webp": (as_file(landscape(mode="RGBA"), "WEBP"), NEVER),
    "palette-index.png": (palette(transparency=3), NEVER),
    "palette-each.gif": (palette(format="GIF", transparency=0), NEVER),
    "palette-alphas.png": (palette(transparency=bytes(range(0, 250, 50))), NEVER),
    "dot.bmp": (as_file(landscape((1, 1)), "BMP"), NEVER),
    "wide.png": (as_file(Image.new("L", (17_000, 1))), ("webp",)),
    "wide-beside.png": (as_file(Image.new("L", (6_000, 1))), ("webp",)),
    "tall.png": (as_file(Image.new("L", (1, 900))), NEVER),
    "resolution-nan.tiff": (with_resolution(0, 0), NEVER),
    "resolution-most.tiff": (with_resolution(2**32 - 1, 1), NEVER),
    "much-exif.png": (with_exif(70_000), NEVER),
    "damaged-exif.png": (as_file(landscape(), exif=b"Exif\0\0MM\0\xff\0\0\0\x08"), ALWAYS),
    "slow.gif": (alike(3, 60_000), ("jpg",)),
    "slower.webp": (animation("WEBP", duration=2**24 - 1), ("jpg",)),
    "no-time.gif": (animation("GIF", duration=0), ("jpg",)),
    "loops.png": (animation("PNG", duration=50, loop=100_000), ("jpg",)),
    "pages.tiff": (pages((8, 6), (8, 6)), ("jpg",)),
    "pages-of-sizes.tiff": (pages((30, 20), (11, 7)), ("webp", "png", "jpg")),
    "ä ö\n.png": (PNG, NEVER),
    os.fsdecode(b"latin-\xe4.png"): (PNG, NEVER),
    "zz-last.png": (PNG, NEVER),
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("runs") / "seasons-001")


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder: the files of the table, links, a pipe, a device, and folders in a circle."""
    folder = tmp_path_factory.mktemp("hostile")
    for name, (content, _) in FILES.items():
        (folder / name).write_bytes(content)
    (folder / "linked.png").symlink_to("zz-last.png")
    (folder / "nowhere.png").symlink_to("none.png")
    (folder / "loop.png").symlink_to("loop.png")
    (folder / "device.png").symlink_to("/dev/zero")
    os.mkfifo(folder / "pipe.png")
    (folder / "folder.png").mkdir()
    (folder / "folder.png" / "up").symlink_to("..")
    return folder


NOTED = {
    # Of which the metadata or the times cannot be written.
    "as it is": {"slow.gif"},
    "webp": {"loops.png"},
    "png": {"resolution-nan.tiff", "resolution-most.tiff"},
    "jpg": {"resolution-nan.tiff", "resolution-most.tiff", "much-exif.png"},
    "tiff": {"resolution-nan.tiff", "resolution-most.tiff"},
}

LINKS = {"linked.png": NEVER, "nowhere.png": ALWAYS, "loop.png": ALWAYS}


def digests(folder: Path) -> dict[Path, object]:
    """What is in a folder, links unfollowed."""
    found: dict[Path, object] = {}
    for path in folder.rglob("*"):
        if path.is_symlink():
            found[path] = path.readlink()
        elif path.is_file():
            found[path] = hashlib.sha256(path.read_bytes()).hexdigest()
        else:
            found[path] = path.lstat().st_mode
    return found


def outputs(name: str, options: tuple[str, ...]) -> set[str]:
    """The names of all files that a translation of `name` has, by the documents."""
    path = Path(name)
    same = {".tif": "tiff", ".jpeg": "jpg"}
    suffix = path.suffix
    if "--format" in options:
        format = options[options.index("--format") + 1]
        suffix = suffix if same.get(suffix, suffix[1:]) == format else f".{format}"
    kinds = ["", *(f".{k}" for k, o in KINDS.items() if o in options)]
    return {f"{path.stem}{kind}{suffix}" for kind in kinds}


KINDS = {"cycle": "--round-trip", "compare": "--compare"}


@pytest.mark.parametrize("chosen", OPTIONS)
def test_whatever_lies_in_a_folder_harms_itself_alone(
    run: Path, hostile: Path, tmp_path: Path, chosen: str
) -> None:
    out, options = tmp_path / "out", OPTIONS[chosen]
    out.mkdir()
    (out / "notes.txt").write_text("mine")
    before = digests(hostile)
    result = translated(run, hostile, "--out", out, *options)

    assert isinstance(result.exception, GantransError), result.exc_info
    assert result.exception.exit_code == 1
    told = str(result.exception)
    notes = "\n".join(line for line in result.stdout.splitlines() if line.startswith("note on "))
    for name in NOTED[chosen]:
        assert shown(hostile / name) in notes, (name, notes)
    there = {path.name for path in out.iterdir()} - {"notes.txt"}
    cases = {name: fails for name, (_, fails) in FILES.items()} | LINKS
    for name, fails in cases.items():
        wanted = outputs(name, options)
        if chosen in fails:
            assert not wanted & there, name
            assert shown(hostile / name) in told, name
        else:
            assert wanted <= there, (name, told)
            assert shown(hostile / name) not in told
        there -= wanted
    assert not there  # nothing half, nothing twice
    for path in out.iterdir():
        if path.suffix != ".txt":
            with Image.open(path) as image:
                image.load()
    assert (out / "notes.txt").read_text() == "mine"
    assert digests(hostile) == before


def translated(*arguments: object) -> Any:
    app = typer.Typer()
    app.command()(translate)
    options = ("--to", "winter", "--device", "cpu")
    return CliRunner().invoke(app, [str(argument) for argument in arguments] + list(options))
