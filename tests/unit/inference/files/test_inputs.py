from __future__ import annotations

import glob
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


@pytest.mark.parametrize("how", ["a pattern", "--recursive"])
def test_links_to_folders_above_come_to_an_end_and_each_file_is_found_once(tmp_path, how):
    folder = tmp_path / "photos"
    for name in ("a.png", "x/b.png", "x/y/c.png"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    for place, target in (("x/up", folder), ("x/y/up", folder / "x"), ("x/y/here", ".")):
        (folder / place).symlink_to(target)
    given = folder / "**" / "*.png" if how == "a pattern" else folder
    found, _ = find([given], SUFFIXES, recursive=how == "--recursive", out=tmp_path / "out")
    assert [one.below for one in found] == [Path("a.png"), Path("x/b.png"), Path("x/y/c.png")]


def test_patterns_mean_what_the_standard_library_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a.png", ".b.png", "x/c.png", "x/.d.png", "x/y/e.png", "x/y/f.jpg", ".z/g.png"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()
    for pattern in (
        "*.png", "**/*.png", "x/**", "**/y/*", "*/*/*", ".*", ".z/*", "**/[ce].p?g", 
        "**/**/*.jpg", "*/c.png", str(tmp_path / "**" / "*.jpg"),
    ):  # fmt: skip
        expected = {
            Path(path)
            for path in glob.glob(pattern, recursive=True)  # noqa: PTH207
            if Path(path).is_file() and Path(path).suffix in SUFFIXES
        }
        found, _ = find([Path(pattern)], SUFFIXES, out=Path("out"))
        assert {one.path for one in found} == expected, pattern


def test_a_pattern_does_not_lead_out_of_the_output_folder(photos, tmp_path):
    (tmp_path / "above.png").touch()
    with pytest.raises(UsageError, match="behind a wildcard"):
        find([photos / "*" / ".." / ".." / "*.png"], SUFFIXES, out=tmp_path / "out")
    assert found_by(photos / ".." / "*.png", tmp_path / "out") == [Path("above.png")]


def test_a_link_in_a_loop_stops_nothing_but_itself(photos, tmp_path):
    loop = tmp_path / "loop.png"
    loop.symlink_to(loop)
    (photos / "loop.png").symlink_to("loop.png")
    found, _ = find([photos], SUFFIXES, out=loop / "out")
    assert Path("loop.png") in [one.below for one in found]  # whoever reads it says what is wrong
    assert Path("loop.png") not in found_by(photos / "*", tmp_path / "out")
    with pytest.raises(UsageError, match=r"loop\.png"):
        find([loop], SUFFIXES, out=tmp_path / "out")
