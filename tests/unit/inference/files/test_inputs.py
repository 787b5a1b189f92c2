from __future__ import annotations

import os
from pathlib import Path

import pytest

from gantrans.errors import UsageError
from gantrans.inference.files.inputs import Found, find

SUFFIXES = {".png", ".jpg"}


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    for name in ("a.png", "b.jpg", "notes.txt", "x/a.png", "x/y/c.png", ".hidden/d.png"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def found_by(pattern: Path, out: Path) -> list[Path]:
    found, nested = find([pattern], SUFFIXES, out=out)
    assert nested == 0
    return [one.below for one in found]


def test_patterns_are_expanded_and_keep_the_folders_below_their_fixed_part(photos, tmp_path):
    out = tmp_path / "out"
    assert found_by(photos / "*", out) == [Path("a.png"), Path("b.jpg")]
    assert found_by(photos / "*.p?g", out) == [Path("a.png")]
    assert found_by(photos / "x" / "**" / "*.png", out) == [Path("a.png"), Path("y/c.png")]
    assert found_by(photos / "**", out) == [
        Path("a.png"), Path("b.jpg"), Path("x/a.png"), Path("x/y/c.png")
    ]  # fmt: skip


def test_a_pattern_does_not_match_earlier_outputs(photos):
    assert found_by(photos / "**" / "*.png", photos / "x") == [Path("a.png")]


def test_a_relative_pattern_lies_below_the_working_directory(photos, monkeypatch):
    monkeypatch.chdir(photos)
    found, _ = find([Path("x*/*.png")], SUFFIXES, out=Path("out"))
    assert found == [Found(Path("x/a.png"), Path("x/a.png"))]


def test_a_file_whose_name_looks_like_a_pattern_is_that_file(tmp_path):
    (tmp_path / "a[1].png").touch()
    (tmp_path / "a1.png").touch()
    assert found_by(tmp_path / "a[1].png", tmp_path / "out") == [Path("a[1].png")]


def test_a_pattern_that_matches_no_image_is_refused(photos, tmp_path):
    with pytest.raises(UsageError, match=r"no image matches .*\*\.txt \(known: jpg png\)"):
        find([photos / "*.txt"], SUFFIXES, out=tmp_path)


def test_names_with_line_breaks_are_found_and_told_on_one_line(tmp_path):
    odd = tmp_path / "a\nb.c.png"
    odd.touch()
    [found], _ = find([odd], SUFFIXES, out=tmp_path / "out")
    assert found == Found(odd, Path("a\nb.c.png"))
    with pytest.raises(UsageError) as caught:
        find([tmp_path / "x\ny.png"], SUFFIXES, out=tmp_path / "out")
    assert "x\\ny.png" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_with_brackets_in_its_name_is_that_folder_in_a_pattern_too(tmp_path):
    folder = tmp_path / "photos [2020]"
    for place in (folder, tmp_path / "photos 2"):
        (place / "x").mkdir(parents=True)
        (place / "x" / "a.png").touch()
    assert found_by(folder / "**" / "*.png", tmp_path / "out") == [Path("x/a.png")]
    assert found_by(tmp_path / "photos [0-9]" / "x" / "*.png", tmp_path / "out") == [
        Path("photos 2/x/a.png")
    ]
    with pytest.raises(UsageError, match="no image matches"):
        find([folder / "none.png"], SUFFIXES, out=tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names")
def test_a_pipe_is_no_image_by_whatever_way_it_is_meant(photos, tmp_path):
    os.mkfifo(photos / "pipe.png")
    assert [one.below for one in find([photos], SUFFIXES, out=tmp_path / "out")[0]] == [
        Path("a.png"), Path("b.jpg")
    ]  # fmt: skip
    assert Path("pipe.png") not in found_by(photos / "*.png", tmp_path / "out")
    with pytest.raises(UsageError, match=r"pipe\.png is a pipe or a device"):
        find([photos / "pipe.png"], SUFFIXES, out=tmp_path / "out")
