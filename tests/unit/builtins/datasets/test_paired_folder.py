from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from PIL.Image import Transpose

from gantrans.builtins.datasets import paired_folder
from gantrans.builtins.datasets.paired_folder import PairedFolder
from gantrans.errors import DataError, SpecError
from gantrans.spec.load import load
from tiny_run import tiny_job, tiny_spec, whole_sample

BASE = ("trainA", "trainB", "testA", "testB")


def draw(*files: Path, size: tuple[int, int] = (6, 4)) -> None:
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", size).save(file)


def draw_halves(file: Path, size: tuple[int, int] = (12, 4)) -> None:
    """Red on the left half, blue on the right."""
    draw(file, size=size)
    with Image.open(file) as image:
        image.load()
    image.paste("red", (0, 0, size[0] // 2, size[1]))
    image.paste("blue", (size[0] // 2, 0, *size))
    image.save(file)


def dataset(base: Path, **settings: Any) -> PairedFolder:
    return PairedFolder(PairedFolder.Config(**settings), base_dir=base)


def labels(made: PairedFolder, split: Any = "train", domain: Any = "a") -> list[str]:
    source = made.source(split, domain)
    return [source.label(i) for i in range(len(source))]


def said(made: PairedFolder, split: Any = "train", domain: Any = "a") -> str:
    with pytest.raises(DataError) as caught:
        made.source(split, domain)
    return str(caught.value)


@pytest.mark.parametrize(
    "folders", [BASE, ("train/A", "train/B", "test/A", "test/B"), ("A", "B", None, None)]
)
def test_folders_are_found_by_name_and_partners_by_theirs(
    folders: tuple[str | None, ...], tmp_path: Path
) -> None:
    for folder, suffix in zip(folders, ("png", "jpg", "png", "bmp"), strict=True):
        if folder:
            draw(*(tmp_path / f"data/{folder}/{name}.{suffix}" for name in ("2", "a/1", "2.x")))
    made = dataset(tmp_path, root="data")
    for split, a, b in (("train", *folders[:2]), ("test", *folders[2:])):
        suffix = "jpg" if split == "train" else "bmp"
        names = ("2", "2.x", "a/1") if a else ()
        assert labels(made, split, "a") == [f"data/{a}/{name}.png" for name in names]
        assert labels(made, split, "b") == [f"data/{b}/{name}.{suffix}" for name in names]
        assert made.paired(split)


def test_folders_can_be_named(tmp_path: Path) -> None:
    draw(tmp_path / "maps/1.png", tmp_path / "photos/1.png")
    made = dataset(tmp_path, train_a="maps", train_b="photos")
    assert labels(made, "train", "b") == ["photos/1.png"]
    assert labels(made, "test", "a") == labels(made, "test", "b") == []


def test_everything_that_is_no_pair_is_in_one_message(tmp_path: Path) -> None:
    a, b = tmp_path / "trainA", tmp_path / "trainB"
    draw(a / "alone.png", a / "x/too.png", a / "good.png", a / "tall.png", a / "words.jpg")
    draw(b / "lonely.png", b / "good.png", b / "twice.png", b / "twice.jpg", a / "wide.png")
    draw(b / "tall.png", size=(6, 5))
    draw(b / "wide.png", size=(600, 4))
    draw(b / "words.png")
    (a / "words.jpg").write_text("no image")

    message = said(dataset(tmp_path, root="."))

    assert "2 in trainA without a partner in trainB: alone.png, x/too.png\n" in message
    assert "3 in trainB without a partner in trainA: lonely.png, twice.jpg, twice.png\n" in message
    assert "1 in trainB of one name, suffix aside: twice.jpg and twice.png\n" in message
    assert "1 that cannot be read as images: trainA/words.jpg\n" in message
    assert (
        "2 of two sizes: trainA/tall.png (6 x 4) and trainB/tall.png (6 x 5), "
        "trainA/wide.png (6 x 4) and trainB/wide.png (600 x 4)\n"
    ) in message
    assert "good" not in message
    assert said(dataset(tmp_path, root="."), domain="b") == message


def test_sizes_are_those_of_the_upright_images(tmp_path: Path) -> None:
    draw(tmp_path / "trainA/1.jpg", size=(6, 4))
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn
    (tmp_path / "trainB").mkdir()
    Image.new("RGB", (4, 6)).save(tmp_path / "trainB/1.jpg", exif=exif)
    made = dataset(tmp_path, root=".")
    assert {made.source("train", domain).image(0).size for domain in ("a", "b")} == {(6, 4)}


def test_a_test_folder_of_one_domain_alone_is_refused(tmp_path: Path) -> None:
    draw(*(tmp_path / folder / "1.png" for folder in BASE[:3]))
    made = dataset(tmp_path, root=".")
    assert len(made.source("train", "a")) == 1
    message = said(made, "test")
    assert "1 in testA without a partner" in message
    assert "no such folder" in message


def test_limit_counts_pairs_and_what_it_leaves_out_is_not_opened(tmp_path: Path) -> None:
    draw(*(tmp_path / folder / f"{n}.png" for folder in BASE[:2] for n in range(4)))
    (tmp_path / "trainB/3.png").write_text("no image")
    made = dataset(tmp_path, root=".", limit=2)
    assert labels(made) == ["trainA/0.png", "trainA/1.png"]
    assert labels(made, domain="b") == ["trainB/0.png", "trainB/1.png"]
    (tmp_path / "trainB/2.png").unlink()
    assert "trainA" in said(dataset(tmp_path, root=".", limit=2))  # else "first" has no meaning


def test_files_are_looked_at_once_a_split(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draw(*(tmp_path / folder / f"{n}.png" for folder in BASE for n in range(3)))
    looked: list[Path] = []
    plain = paired_folder.size_of
    monkeypatch.setattr(
        paired_folder, "size_of", lambda path: [looked.append(path), plain(path)][1]
    )
    made = dataset(tmp_path, root=".")
    for _ in range(3):
        for split in ("train", "test"):
            for domain in ("a", "b"):
                made.source(split, domain)
    assert len(looked) == len(set(looked)) == 12


def test_making_it_reads_nothing(tmp_path: Path) -> None:
    dataset(tmp_path / "nowhere", root="missing")


# Side by side


@pytest.mark.parametrize("other", ["test", "val", None])
def test_a_file_holds_the_first_domain_on_its_left_half(other: str | None, tmp_path: Path) -> None:
    for folder in ("train", *([other] if other else [])):
        draw_halves(tmp_path / f"maps/{folder}/1.png")
    made = dataset(tmp_path, root="maps", side_by_side=True)
    for split, folder in (("train", "train"), ("test", other)):
        a, b = (made.source(split, domain) for domain in ("a", "b"))
        assert len(a) == len(b) == (1 if folder else 0)
        if folder:
            assert (a.label(0), b.label(0)) == (
                f"maps/{folder}/1.png (left)",
                f"maps/{folder}/1.png (right)",
            )
            for source, colour in ((a, "red"), (b, "blue")):
                for one in (source, pickle.loads(pickle.dumps(source))):
                    assert one.image(0).size == (6, 4)
                    assert one.image(0).tobytes() == Image.new("RGB", (6, 4), colour).tobytes()


def test_test_comes_before_val(tmp_path: Path) -> None:
    for folder in ("Train", "test", "val"):
        draw_halves(tmp_path / folder / "1.png")
    made = dataset(tmp_path, root=".", side_by_side=True)
    assert labels(made) == ["Train/1.png (left)"]
    assert labels(made, "test") == ["test/1.png (left)"]


def test_files_right_in_the_root_are_all_for_training(tmp_path: Path) -> None:
    for name in ("1.png", "2.png", "val/3.png"):
        draw_halves(tmp_path / name)
    made = dataset(tmp_path, root=".", side_by_side=True)
    assert labels(made, domain="b") == ["1.png (right)", "2.png (right)"]
    assert labels(made, "test") == []


def test_two_folders_are_not_taken_for_files_side_by_side(tmp_path: Path) -> None:
    draw(*(tmp_path / folder / "1.png" for folder in BASE))
    message = said(dataset(tmp_path, root=".", side_by_side=True))
    for words in ("expected", "train, and test or val", "trainA"):
        assert words in message


def test_all_odd_widths_and_unreadable_files_are_in_one_message(tmp_path: Path) -> None:
    for number, width in enumerate((12, 13, 14, 15)):
        draw_halves(tmp_path / f"train/{number}.png", (width, 4))
    (tmp_path / "train/words.png").write_text("no image")
    message = said(dataset(tmp_path, root=".", side_by_side=True))
    assert "2 of odd width: train/1.png (13 x 4), train/3.png (15 x 4)\n" in message
    assert "1 that cannot be read as images: train/words.png\n" in message
    assert dataset(tmp_path, root=".", side_by_side=True, limit=1).source("train", "b")


def test_a_file_that_lies_on_its_side_is_cut_upright(tmp_path: Path) -> None:
    draw_halves(tmp_path / "upright.png", (12, 4))
    exif = Image.Exif()
    exif[0x0112] = 6
    (tmp_path / "train").mkdir()
    with Image.open(tmp_path / "upright.png") as image:
        image.transpose(Transpose.ROTATE_90).save(tmp_path / "train/1.png", exif=exif)
    source = dataset(tmp_path, root=".", side_by_side=True).source("train", "a")
    assert source.image(0).tobytes() == Image.new("RGB", (6, 4), "red").tobytes()


def test_training_cuts_mirrors_and_zooms_both_halves_alike(tmp_path: Path) -> None:
    """The right halves equal the left ones, so the two crops of a sample must."""
    for number in range(3):
        half = Image.effect_noise((48, 40), 90).convert("RGB")
        whole = Image.new("RGB", (96, 40))
        whole.paste(half, (0, 0))
        whole.paste(half, (48, 0))
        (tmp_path / "train").mkdir(exist_ok=True)
        whole.save(tmp_path / f"train/{number}.png")
    transform = {"crop": 24, "zoom": [0.7, 1.0], "flip": True, "rotate": True}
    own = {"type": "paired_folder", "root": str(tmp_path), "side_by_side": True}
    job = tiny_job(
        data={"size": None, "train": None, "test": None, "transform": transform, **own},
    )
    seen = set()
    for number in range(9):
        images, names = whole_sample(job, number)
        assert names["a"].removesuffix("(left)") == names["b"].removesuffix("(right)")
        assert torch.equal(images["a"], images["b"])
        seen.add(images["a"].numpy().tobytes())
    assert len(seen) == 9  # crops of many kinds


@pytest.mark.parametrize(
    ("written", "expected"),
    [({}, (3, 3)), ({"channels": 1}, (1, 1)), ({"channels": {"a": 1}}, (1, 3))],
)
def test_channels_are_for_both_domains_or_each(
    written: dict[str, Any], expected: tuple[int, int], tmp_path: Path
) -> None:
    made = dataset(tmp_path, root=".", **written)
    assert (made.channels("a"), made.channels("b")) == expected


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"train_a": "x", "train_b": "y", "side_by_side": True}, "train_a and train_b with side"),
        ({"train_a": "x"}, "train_a without train_b"),
        ({"train_a": "x", "train_b": "y", "test_b": "z"}, "test_b without test_a"),
        ({"side_by_side": True}, "`root`"),
        ({"root": "x", "side_by_sid": True}, "did you mean 'side_by_side'"),
    ],
)
def test_a_contradiction_is_a_mistake_in_the_spec(settings: dict[str, Any], words: str) -> None:
    spec = tiny_spec()
    spec["data"] = {"type": "paired_folder", **settings}
    with pytest.raises(SpecError) as caught:
        load(spec)
    [problem] = caught.value.problems
    assert "data" in problem
    assert words in problem
