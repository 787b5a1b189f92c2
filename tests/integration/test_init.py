"""`gantrans init` from its arguments to a spec that loads and finds the images."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from drawn_folders import counts, draw, run
from gantrans.errors import DataError, UsageError
from gantrans.spec.load import load


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory: an empty one."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


LAYOUTS = {
    "flat": ("trainA", "trainB", "testA", "testB"),
    "nested": ("train/A", "train/B", "test/A", "test/B"),
    "flat, named": ("train_summer", "train_winter", "test_summer", "test_winter"),
    "nested, named": ("train/summer", "train/winter", "test/summer", "test/winter"),
    "by domain": ("summer/train", "winter/train", "summer/test", "winter/test"),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts_are_recognised_and_the_spec_finds_the_same_images(
    layout: str, tmp_path: Path
) -> None:
    for count, folder in enumerate(LAYOUTS[layout], start=1):
        draw(tmp_path / "photos" / folder, count)
    printed = run(tmp_path / "photos")
    loaded = load("photos.toml")
    assert counts(loaded) == [1, 2, 3, 4]
    named = ("summer", "winter") if "summer" in LAYOUTS[layout][0] else ("A", "B")
    assert (loaded.run.domains.a, loaded.run.domains.b) == named
    for part in ("1 + 2 to train, 3 + 4 to test", "32 x 32", "gantrans run photos.toml", *named):
        assert part in printed


def test_two_folders_are_two_domains(tmp_path: Path) -> None:
    draw(tmp_path / "photos/winter/2023", 2)
    draw(tmp_path / "photos/summer", 3)
    draw(tmp_path / "photos/.cache", 1)
    (tmp_path / "photos/notes").mkdir()
    run(tmp_path / "photos")
    loaded = load("photos.toml")
    assert (loaded.run.domains.a, loaded.run.domains.b) == ("summer", "winter")
    assert counts(loaded) == [3, 2, 0, 0]


def test_domains_are_named_after_a_folder_that_says_from_what_to_what(tmp_path: Path) -> None:
    root = tmp_path / "horse2zebra_small"
    draw(root / "trainA", 1)
    draw(root / "trainB", 1)
    run(root)
    domains = load("horse2zebra_small.toml").run.domains
    assert (domains.a, domains.b) == ("horse", "zebra")


def test_gray_images_are_noticed(tmp_path: Path) -> None:
    draw(tmp_path / "scans/ct", 2, mode="L")
    draw(tmp_path / "scans/mr", 2, mode="I;16")
    run(tmp_path / "scans")
    loaded = load("scans.toml")
    dataset = loaded.run.data.build(base_dir=loaded.source.base_dir)
    assert (dataset.channels("a"), dataset.channels("b")) == (1, 1)


def test_names_with_special_characters_come_through(tmp_path: Path) -> None:
    root = tmp_path / 'it\'s "my" [folder] #1\n'
    draw(root / 'a "b"\\c', 1)
    draw(root / "été [/red]", 2)
    run(root, "--out", "my spec.toml")
    assert counts(load("my spec.toml")) == [1, 2, 0, 0]


def test_the_root_is_relative_to_the_spec_so_that_both_can_move(tmp_path: Path) -> None:
    draw(tmp_path / "project/data/A", 1)
    draw(tmp_path / "project/data/B", 1)
    (tmp_path / "project/specs").mkdir()
    printed = run(tmp_path / "project/data", "--out", tmp_path / "project/specs/mine.toml")
    assert str(tmp_path / "project/specs/mine.toml") in printed
    (tmp_path / "project").rename(tmp_path / "moved")
    assert counts(load(tmp_path / "moved/specs/mine.toml")) == [1, 1, 0, 0]


def test_the_current_folder_can_be_looked_at(here: Path) -> None:
    draw(here / "A", 1)
    draw(here / "B", 1)
    run(".")
    assert load("here.toml").run.name == "here"


def test_a_spec_is_never_overwritten(tmp_path: Path, here: Path) -> None:
    draw(tmp_path / "photos/A", 1)
    draw(tmp_path / "photos/B", 1)
    (here / "photos.toml").write_text("precious")
    with pytest.raises(UsageError, match="--out"):
        run(tmp_path / "photos")
    assert (here / "photos.toml").read_text() == "precious"


def test_an_unreadable_image_is_named_and_the_spec_is_written(tmp_path: Path) -> None:
    draw(tmp_path / "photos/A", 2)
    draw(tmp_path / "photos/B", 2)
    (tmp_path / "photos/B/words.png").write_text("no image")
    assert "words.png" in run(tmp_path / "photos")
    assert counts(load("photos.toml")) == [2, 3, 0, 0]


@pytest.mark.parametrize(
    ("folders", "expected"),
    [
        ((), ["no folders", "trainA trainB"]),
        (("cats", "dogs", "birds"), ["cats", "dogs", "birds"]),
        (("train/cats", "train/dogs", "train/birds", "test/cats"), ["train/birds"]),
        (("trainA", "testA"), ["trainA", "testA"]),
        (("train", "test"), ["train", "test"]),
        (("one/trainA", "one/trainB", "two/trainA", "two/trainB"), ["one/trainA"]),
    ],
)
def test_a_folder_without_two_domains_is_described(
    folders: tuple[str, ...], expected: list[str], tmp_path: Path, here: Path
) -> None:
    (tmp_path / "photos").mkdir()
    for folder in folders:
        draw(tmp_path / "photos" / folder, 1)
    with pytest.raises(DataError) as caught:
        run(tmp_path / "photos")
    for part in expected:
        assert part in str(caught.value)
    assert not list(here.iterdir())


def test_an_empty_domain_is_named(tmp_path: Path) -> None:
    draw(tmp_path / "photos/trainA", 1)
    (tmp_path / "photos/trainB").mkdir()
    (tmp_path / "photos/trainB/clip.mp4").touch()
    with pytest.raises(DataError, match=r"trainB.*1 \.mp4"):
        run(tmp_path / "photos")


def test_a_domain_of_unreadable_images_is_named(tmp_path: Path) -> None:
    draw(tmp_path / "photos/A", 1)
    (tmp_path / "photos/B").mkdir()
    (tmp_path / "photos/B/words.png").write_text("no image")
    with pytest.raises(DataError, match=r"words\.png"):
        run(tmp_path / "photos")


def test_a_missing_folder_and_a_file_are_wrong_use(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for name in ("missing", "file"):
        with pytest.raises(UsageError, match=name):
            run(tmp_path / name)


def test_a_spec_in_a_folder_that_is_not_there_is_wrong_use(tmp_path: Path) -> None:
    draw(tmp_path / "photos/A", 1)
    draw(tmp_path / "photos/B", 1)
    with pytest.raises(UsageError, match="nowhere"):
        run(tmp_path / "photos", "--out", "nowhere/x.toml")


@pytest.mark.skipif(os.name == "nt", reason="file names are Unicode there")
def test_a_folders_name_that_no_spec_can_hold_is_wrong_use(tmp_path: Path, here: Path) -> None:
    root = os.fsdecode(os.fsencode(tmp_path) + b"/\xff")
    draw(Path(root) / "A", 1)
    draw(Path(root) / "B", 1)
    with pytest.raises(UsageError, match="UTF-8"):
        run(root, "--out", "x.toml")
    assert not list(here.iterdir())
