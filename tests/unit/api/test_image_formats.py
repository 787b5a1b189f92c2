"""Files are opened in the formats that are documented, in one place, and no program runs."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from PIL import Image, UnidentifiedImageError

from gantrans.api.image import IMAGE_SUFFIXES, open_image, open_lazily
from gantrans.api.pairs import size_of
from gantrans.data_check.header import read_header
from gantrans.errors import DataError
from gantrans.inference.files.formats import ANIMATION_SUFFIXES, FORMATS
from gantrans.inference.files.picture import opened

ROOT = Path(__file__).parents[3]
EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\nshowpage\n%%EOF\n"


@pytest.fixture
def ghostscript(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program in Ghostscript's place; the file that is there once it has run."""
    programs, ran = tmp_path / "bin", tmp_path / "ran"
    programs.mkdir()
    (programs / "gs").write_text(f"#!/bin/sh\n: > '{ran}'\n")
    (programs / "gs").chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=":")
    monkeypatch.setattr("PIL.EpsImagePlugin.gs_binary", None)  # look for it anew
    return ran


@pytest.mark.parametrize("name", ["a.png", "a.eps", "a.jpg"])
def test_eps_under_any_name_is_no_image_and_runs_no_ghostscript(
    tmp_path: Path, ghostscript: Path, name: str
) -> None:
    path = tmp_path / name
    path.write_bytes(EPS)
    with pytest.raises(DataError, match=f"cannot read the image .*{name}"):
        open_image(path)
    with pytest.raises(DataError, match=f"cannot read the image .*{name}"), opened(path) as image:
        image.load()
    with pytest.raises(DataError), opened(path, EPS) as image:
        image.load()
    with pytest.raises(UnidentifiedImageError):
        read_header(path)
    assert size_of(path) is None
    assert not ghostscript.exists()
    with Image.open(path) as image, pytest.raises(OSError):  # Pillow alone
        image.load()
    assert ghostscript.exists()


@pytest.mark.parametrize("suffix", sorted(IMAGE_SUFFIXES | ANIMATION_SUFFIXES))
def test_every_documented_suffix_is_opened(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    Image.new("RGB", (5, 3)).save(path, FORMATS[suffix])
    with open_lazily(path) as image:
        assert (image.format, image.size) == (FORMATS[suffix], (5, 3))


def test_a_photograph_of_several_images_is_a_jpeg_still(tmp_path: Path) -> None:
    one = Image.new("RGB", (8, 8))
    one.save(tmp_path / "a.jpg", "MPO", save_all=True, append_images=[one])
    assert open_image(tmp_path / "a.jpg").size == (8, 8)


def test_no_other_place_opens_images_with_pillow() -> None:
    home = ROOT / "src/gantrans/api/image.py"
    calls = [
        (path.relative_to(ROOT).as_posix(), node.lineno)
        for folder in (ROOT / "src", *(ROOT / "plugins").glob("*/src"))
        for path in folder.rglob("*.py")
        if path != home
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.Attribute)
        and node.attr == "open"
        and ast.unparse(node.value) in ("Image", "PIL.Image")
    ]
    assert not calls
