from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from gantrans.builtins.datasets import single_image
from gantrans.builtins.datasets.single_image import SingleImage
from gantrans.errors import DataError, SpecError
from gantrans.spec.load import Source, load
from tiny_run import tiny_job, tiny_spec, whole_sample


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder with a picture for each domain, of different sizes."""
    (tmp_path / "art").mkdir()
    Image.new("RGB", (60, 40), "blue").save(tmp_path / "art/photo.png")
    Image.new("L", (50, 70), 200).save(tmp_path / "art/drawing.png")
    return tmp_path


def dataset(base: Path, **settings: Any) -> SingleImage:
    return SingleImage(SingleImage.Config(**settings), base_dir=base)


def test_each_domain_is_one_picture_in_both_splits(pictures: Path) -> None:
    made = dataset(pictures, a="art/photo.png", b="art/drawing.png", channels={"b": 1})
    for split in ("train", "test"):
        assert not made.paired(split)
        for domain, name, size in (("a", "photo", (60, 40)), ("b", "drawing", (50, 70))):
            source = made.source(split, domain)
            copy = pickle.loads(pickle.dumps(source))
            assert (len(source), source.label(0)) == (1, f"art/{name}.png")
            assert source.image(0).size == copy.image(0).size == size
    assert (made.channels("a"), made.channels("b")) == (3, 1)


def test_in_a_spec_paths_are_relative_to_its_folder_and_called_as_written(pictures: Path) -> None:
    (pictures / "specs").mkdir()
    spec = tiny_spec()
    other = str(pictures / "art/drawing.png")
    spec["data"] = {"type": "single_image", "a": "../art/photo.png", "b": other}
    run = load(Source(spec, "spec", pictures / "specs")).run
    made = run.data.build(base_dir=pictures / "specs")
    assert made.source("train", "a").label(0) == "../art/photo.png"
    assert made.source("train", "b").label(0) == other
    assert run.data.repeat == 400


def test_a_picture_is_decoded_once_and_again_when_its_file_changes(
    pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[Path] = []
    plain = single_image.open_image
    monkeypatch.setattr(
        single_image, "open_image", lambda path: [decoded.append(path), plain(path)][1]
    )
    made = dataset(pictures, a="art/photo.png", b="art/drawing.png")
    sources = [made.source("train", domain) for domain in ("a", "b")]
    for _ in range(5):
        for source in sources:
            source.image(0)
    assert len(decoded) == 2
    file = pictures / "art/photo.png"
    Image.new("RGB", (8, 9)).save(file)
    os.utime(file, ns=(0, file.stat().st_mtime_ns + 10**9))  # clocks of file systems are coarse
    assert sources[0].image(0).size == (8, 9)


def test_training_sees_other_crops_of_the_same_pictures(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        Image.effect_noise((64, 48), 90).convert("RGB").save(tmp_path / name)
    own = {"type": "single_image", "a": str(tmp_path / "a.png"), "b": str(tmp_path / "b.png")}
    transform = {"crop": 24, "zoom": [0.5, 1.0]}
    job = tiny_job(
        data={"size": None, "train": None, "test": None, "transform": transform, **own},
    )
    seen = set()
    for number in range(20):
        images, names = whole_sample(job, number)
        assert names == {"a": str(tmp_path / "a.png"), "b": str(tmp_path / "b.png")}
        assert images["a"].shape == images["b"].shape == (3, 24, 24)
        assert not torch.equal(images["a"], images["b"])
        seen |= {images[domain].numpy().tobytes() for domain in ("a", "b")}
    assert len(seen) == 40


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_missing_or_unreadable_file_is_named_before_training(split: Any, pictures: Path) -> None:
    (pictures / "art/words.png").write_text("no image")
    made = dataset(pictures, a="art/gone.png", b="art/words.png")
    for domain, file in (("a", "gone.png"), ("b", "words.png")):
        with pytest.raises(DataError, match=str(pictures / "art" / file)):
            made.source(split, domain)


def test_one_domain_is_enough_until_the_other_is_asked_for(pictures: Path) -> None:
    made = dataset(pictures, b="art/photo.png")
    assert len(made.source("train", "b")) == 1
    with pytest.raises(DataError, match=r"data\.a is not given: .* first domain"):
        made.source("train", "a")


def test_making_it_reads_nothing(tmp_path: Path) -> None:
    dataset(tmp_path / "nowhere", a="x.png", b="y.png")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "names no picture"),
        ({"a": "x.png", "repeat": 0}, "at least 1"),
        ({"a": "x.png", "c": "y.png"}, "unknown key"),
    ],
)
def test_a_mistake_in_the_spec_is_said(settings: dict[str, Any], words: str) -> None:
    spec = tiny_spec()
    spec["data"] = {"type": "single_image", **settings}
    with pytest.raises(SpecError, match=words):
        load(spec)
