from __future__ import annotations

import os
import pickle
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from gantrans.api.folders import contents
from gantrans.builtins.datasets.unpaired_folder import UnpairedFolder
from gantrans.errors import DataError, SpecError
from gantrans.plugin.manager import load_registry
from gantrans.spec.load import load

FLAT = ("trainA", "trainB", "testA", "testB")
NESTED = ("train/A", "train/B", "test/A", "test/B")


def draw(*files: Path, size: tuple[int, int] = (4, 4)) -> None:
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", size).save(file)


def data_set(root: Path, folders: Iterable[str]) -> None:
    """In each folder one image, named after it."""
    for folder in folders:
        draw(root / folder / f"{folder.replace('/', '')}.png")


def dataset(base: Path, **settings: Any) -> UnpairedFolder:
    return UnpairedFolder(UnpairedFolder.Config(**settings), base_dir=base)


def labels(made: UnpairedFolder, split: Any = "train", domain: Any = "a") -> list[str]:
    source = made.source(split, domain)
    return [source.label(i) for i in range(len(source))]


@pytest.mark.parametrize(
    "folders",
    [
        FLAT,
        NESTED,
        ("A/train", "B/train", "A/test", "B/test"),
        ("TrainA", "trainb", "TESTA", "testB"),
        ("Train/a", "Train/b", "test/A", "test/B"),
        ("train_A", "train_B", "test_A", "test_B"),
    ],
)
def test_layouts_are_found_by_name(folders: tuple[str, ...], tmp_path: Path) -> None:
    data_set(tmp_path / "photos", folders)
    made = dataset(tmp_path, root="photos")
    places = [("train", "a"), ("train", "b"), ("test", "a"), ("test", "b")]
    for folder, (split, domain) in zip(folders, places, strict=True):
        expected = [f"photos/{folder}/{folder.replace('/', '')}.png"]
        assert labels(made, split, domain) == expected


@pytest.mark.parametrize("folders", [FLAT[:2], NESTED[:2], ("A", "B")])
def test_without_test_folders_the_test_split_is_empty(
    folders: tuple[str, ...], tmp_path: Path
) -> None:
    data_set(tmp_path, folders)
    made = dataset(tmp_path, root=".")
    assert len(made.source("train", "b")) == 1
    assert len(made.source("test", "a")) == len(made.source("test", "b")) == 0


def test_an_empty_test_folder_is_an_empty_test_split(tmp_path: Path) -> None:
    data_set(tmp_path, FLAT[:2])
    (tmp_path / "testA").mkdir()
    assert len(dataset(tmp_path, root=".").source("test", "a")) == 0


def test_explicit_folders_are_relative_to_the_root(tmp_path: Path) -> None:
    data_set(tmp_path, ["data/warm", "data/cold", "data/more/warm"])
    made = dataset(tmp_path, root="data", train_a="warm", train_b="cold", test_a="more/warm")
    assert labels(made) == ["data/warm/datawarm.png"]
    assert labels(made, domain="b") == ["data/cold/datacold.png"]
    assert labels(made, "test") == ["data/more/warm/datamorewarm.png"]
    assert len(made.source("test", "b")) == 0


def test_explicit_folders_without_a_root_are_relative_to_the_spec(tmp_path: Path) -> None:
    data_set(tmp_path, ["warm", "cold"])
    (tmp_path / "specs").mkdir()
    made = dataset(tmp_path / "specs", train_a="../warm", train_b=str(tmp_path / "cold"))
    assert labels(made) == ["../warm/warm.png"]
    assert labels(made, domain="b") == [(tmp_path / "cold/cold.png").as_posix()]


def test_nested_images_of_every_format_are_listed_in_the_order_of_their_paths(
    tmp_path: Path,
) -> None:
    images = ["b.PNG", "a.jpg", "a.jpeg", "z/1.webp", "z/y/2.bmp", "c.tif", "B.TIFF"]
    draw(*(tmp_path / "trainA" / name for name in images))
    draw(*(tmp_path / "trainA" / name for name in [".hidden.png", ".thumbs/x.png", "c.gif"]))
    (tmp_path / "trainA" / "notes.txt").write_text("no image")
    (tmp_path / "trainA" / "folder.png").mkdir()
    data_set(tmp_path, ["trainB"])
    made = dataset(tmp_path, root=".")
    assert labels(made) == sorted(f"trainA/{name}" for name in images)


def test_images_are_those_of_the_labels(tmp_path: Path) -> None:
    for side in (3, 1, 2):
        draw(tmp_path / f"trainA/{side}.png", size=(side, 5))
    data_set(tmp_path, ["trainB"])
    source = dataset(tmp_path, root=".").source("train", "a")
    assert [source.image(i).size for i in range(3)] == [(1, 5), (2, 5), (3, 5)]


def test_limit_takes_the_first_of_each_folder(tmp_path: Path) -> None:
    draw(*(tmp_path / folder / f"{i}.png" for folder in FLAT[:3] for i in range(3)))
    made = dataset(tmp_path, root=".", limit=2)
    assert labels(made) == ["trainA/0.png", "trainA/1.png"]
    assert len(made.source("train", "b")) == len(made.source("test", "a")) == 2


def test_links_are_followed_and_one_to_a_folder_above_ends(tmp_path: Path) -> None:
    data_set(tmp_path, ["elsewhere", "trainB"])
    (tmp_path / "trainA").mkdir()
    (tmp_path / "trainA/linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere/up").symlink_to(tmp_path / "elsewhere")
    assert labels(dataset(tmp_path, root=".")) == ["trainA/linked/elsewhere.png"]


def test_a_source_travels_to_other_processes(tmp_path: Path) -> None:
    data_set(tmp_path, FLAT)
    source = dataset(tmp_path, root=".").source("train", "a")
    copy = pickle.loads(pickle.dumps(source))
    assert (copy, copy.image(0).size) == (source, (4, 4))


def test_making_it_reads_nothing(tmp_path: Path) -> None:
    dataset(tmp_path / "nowhere", root="missing")


@pytest.mark.parametrize(
    ("written", "expected"),
    [({}, (3, 3)), ({"channels": 1}, (1, 1)), ({"channels": {"a": 1}}, (1, 3))],
)
def test_channels_are_for_both_domains_or_each(
    written: dict[str, Any], expected: tuple[int, int], tmp_path: Path
) -> None:
    made = dataset(tmp_path, root=".", **written)
    assert (made.channels("a"), made.channels("b")) == expected
    dump = made.config.model_dump()
    assert load_registry().config("dataset", "unpaired_folder", dump) == made.config


def said(made: UnpairedFolder, split: Any = "train", domain: Any = "a") -> str:
    with pytest.raises(DataError) as caught:
        made.source(split, domain)
    return str(caught.value)


def test_a_missing_root_says_where_it_was_looked_for_and_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "horses2zebras").mkdir()
    message = said(dataset(tmp_path, root="horse2zebra"))
    assert str(tmp_path / "horse2zebra") in message
    assert "horses2zebras" in message
    assert "data.root" in message


def test_an_unknown_layout_lists_what_was_found_and_what_was_expected(tmp_path: Path) -> None:
    data_set(tmp_path, ["winter/cold", "summer", "trainA"])
    draw(tmp_path / "loose.png")
    message = said(dataset(tmp_path, root="."))
    for part in ("winter/cold", "summer", "trainA", "1 images", "trainB", "train/A", "train_a"):
        assert part in message


def test_a_domain_without_images_says_what_is_there_instead(tmp_path: Path) -> None:
    data_set(tmp_path, ["trainB"])
    (tmp_path / "trainA").mkdir()
    for name in ("1.gif", "2.GIF", "3.mp4", "README"):
        (tmp_path / "trainA" / name).touch()
    message = said(dataset(tmp_path, root="."))
    for part in (str(tmp_path / "trainA"), "2 .gif", "1 .mp4", "1 without a suffix", ".webp"):
        assert part in message


def test_a_test_folder_with_other_files_only_is_an_error(tmp_path: Path) -> None:
    data_set(tmp_path, FLAT[:2])
    (tmp_path / "testA").mkdir()
    (tmp_path / "testA/clip.mp4").touch()
    assert "1 .mp4" in said(dataset(tmp_path, root="."), "test")


@pytest.mark.parametrize("key", ["train_a", "test_b"])
def test_a_missing_explicit_folder_is_named_with_its_key(key: str, tmp_path: Path) -> None:
    data_set(tmp_path, ["x", "y"])
    settings = {"train_a": "x", "train_b": "y", key: "gone"}
    split, _, domain = key.partition("_")
    message = said(dataset(tmp_path, **settings), split, domain)
    assert f"data.{key}" in message
    assert str(tmp_path / "gone") in message


@pytest.mark.parametrize(("domain", "other"), [("a", "b"), ("b", "a")])
def test_the_folders_of_one_domain_are_enough_until_the_other_is_asked_for(
    domain: str, other: str, tmp_path: Path
) -> None:
    data_set(tmp_path, ["x", "more"])
    made = dataset(tmp_path, **{f"train_{domain}": "x", f"test_{domain}": "more"})
    assert labels(made, "train", domain) == ["x/x.png"]
    assert labels(made, "test", domain) == ["more/more.png"]
    for split in ("train", "test"):
        message = said(made, split, other)
        assert f"data.train_{other} is not given" in message
        assert ("second" if other == "b" else "first") in message


def test_two_folders_for_one_place_are_not_guessed_between(tmp_path: Path) -> None:
    data_set(tmp_path, ["trainA", "train_A", "trainB"])
    message = said(dataset(tmp_path, root="."))
    assert "train_A" in message
    assert "trainA" in message


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_must_not_be_read_is_named(tmp_path: Path) -> None:
    data_set(tmp_path, ["trainA/locked", "trainB"])
    (tmp_path / "trainA/locked").chmod(0)
    try:
        assert str(tmp_path / "trainA/locked") in said(dataset(tmp_path, root="."))
    finally:
        (tmp_path / "trainA/locked").chmod(0o700)


def test_an_unreadable_image_is_named_when_it_is_asked_for(tmp_path: Path) -> None:
    data_set(tmp_path, FLAT)
    (tmp_path / "trainA/words.png").write_text("no image")
    source = dataset(tmp_path, root=".").source("train", "a")
    with pytest.raises(DataError, match=r"words\.png"):
        source.image(1)


@pytest.mark.parametrize(
    ("lines", "line", "words"),
    [
        ("", 1, "`root`"),
        ('train_a = "x"\ntest_b = "y"', 1, "without train_b"),
        ('root = "x"\ntest_a = "y"', 1, "train_a"),
        ('train_a = "x"\ntrain_b = "x"', 1, "same folder"),
        ('root = ""', 3, "1 character"),
        ('root = "x"\nlimit = 0', 4, "at least 1"),
        ('root = "x"\nchannels = 2', 4, "3 (colour), 1 (gray)"),
        ('root = "x"\nchannels = { a = 1, c = 3 }', 4, "unknown key"),
        ('root = "x"\nroots = "y"', 4, "did you mean 'root'"),
    ],
)
def test_a_contradiction_is_a_mistake_in_the_spec_with_its_line(
    lines: str, line: int, words: str, tmp_path: Path
) -> None:
    spec = tmp_path / "mine.toml"
    spec.write_text(f'[data]\ntype = "unpaired_folder"\n{lines}\n[losses.cycle]\n')
    with pytest.raises(SpecError) as caught:
        load(spec)
    [problem] = caught.value.problems
    assert problem.startswith(f"{spec}:{line}: data")
    assert words in problem


def test_a_folder_that_vanished_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="gone"):
        contents(tmp_path / "gone")
