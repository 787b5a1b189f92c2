"""All data is made here, and nobody is asked for any."""

from __future__ import annotations

import io
import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ.update(HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1")  # read when `datasets` is imported

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from pydantic import ValidationError

from gantrans.cli import main
from gantrans.errors import DataError
from gantrans.plugin.manager import load_registry
from gantrans_hf.dataset import HuggingFace

BY_LABEL = {"a": {"label": "horse"}, "b": {"label": "zebra"}}
FEATURES = datasets.Features(
    {"image": datasets.Image(), "label": datasets.ClassLabel(names=["horse", "zebra", "donkey"])}
)


@pytest.fixture(autouse=True, scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path_factory.mktemp("cache"))
        yield


def picture(number: int, size: int = 16) -> Image.Image:
    return Image.new("RGB", (size, size), (number, 2 * number, 90))


def encoded(number: int) -> bytes:
    file = io.BytesIO()
    picture(number).save(file, "PNG")
    return file.getvalue()


def animals(count: int = 6) -> datasets.Dataset:
    """Picture 10 n has label n % 3: horse, zebra, donkey."""
    images = [picture(10 * n) for n in range(count)]
    return datasets.Dataset.from_dict(
        {"image": images, "label": [n % 3 for n in range(count)]}, features=FEATURES
    )


def save(folder: Path) -> None:
    splits = {"train": animals(6), "test": animals(3)}
    datasets.DatasetDict(splits).save_to_disk(folder)


def write_parquet(folder: Path) -> None:
    folder.mkdir()
    animals(6).to_parquet(folder / "train-00000-of-00001.parquet")
    animals(3).to_parquet(folder / "test-00000-of-00001.parquet")


def write_folders(folder: Path) -> None:
    for split, count in (("train", 6), ("test", 3)):
        for n in range(count):
            place = folder / split / ("horse", "zebra", "donkey")[n % 3] / f"{n}.png"
            place.parent.mkdir(parents=True, exist_ok=True)
            picture(10 * n).save(place)


def made(base: Path, **settings: Any) -> HuggingFace:
    return HuggingFace(HuggingFace.Config(**settings), base_dir=base)


def shown(dataset: HuggingFace, split: Any, domain: Any) -> list[int]:
    """The numbers of the pictures, in order."""
    source = dataset.source(split, domain)
    pictures = [np.asarray(source.image(n)) for n in range(len(source))]
    assert all((p == np.asarray(picture(p[0, 0, 0]))).all() for p in pictures)
    return [int(p[0, 0, 0]) for p in pictures]


@pytest.fixture(scope="session")
def component_settings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("kit") / "animals"
    save(folder)
    return {"dataset/huggingface": {"path": str(folder), **BY_LABEL}}


@pytest.mark.gantrans("gantrans-hf")
def test_components_keep_the_contract(component_check: Callable[[], None]) -> None:
    component_check()


@pytest.mark.parametrize("write", [save, write_parquet, write_folders])
def test_domains_are_told_apart_by_label_wherever_the_data_lies(
    tmp_path: Path, write: Callable[[Path], None]
) -> None:
    write(tmp_path / "animals")
    dataset = made(tmp_path, path="animals", **BY_LABEL)
    assert shown(dataset, "train", "a") == [0, 30]
    assert shown(dataset, "train", "b") == [10, 40]
    assert shown(dataset, "test", "a") == [0]
    b = dataset.source("train", "b")
    if write is not write_folders:  # `datasets` orders folders by name
        assert [b.label(n) for n in range(2)] == ["animals/train/1/image", "animals/train/4/image"]


def test_a_label_is_a_name_or_a_number_or_a_text(tmp_path: Path) -> None:
    save(tmp_path / "animals")
    by_number = made(tmp_path, path="animals", a={"label": 0}, b={"label": 2})
    assert shown(by_number, "train", "b") == [20, 50]
    kinds = {"image": [picture(1), picture(2)], "kind": ["old", "new"]}
    features = datasets.Features({"image": datasets.Image(), "kind": datasets.Value("string")})
    datasets.Dataset.from_dict(kinds, features=features).save_to_disk(tmp_path / "kinds")
    by_text = made(
        tmp_path, path="kinds", label_column="kind", a={"label": "new"}, b={"label": "old"}
    )
    assert (shown(by_text, "train", "a"), shown(by_text, "train", "b")) == ([2], [1])


def test_two_columns_can_be_paired(tmp_path: Path) -> None:
    table = {"photo": [picture(1), picture(2)], "drawing": [picture(3), picture(4)]}
    features = datasets.Features({name: datasets.Image() for name in table})
    datasets.Dataset.from_dict(table, features=features).save_to_disk(tmp_path / "facades")
    columns = {"a": {"column": "photo"}, "b": {"column": "drawing", "channels": 1}}
    dataset = made(tmp_path, path="facades", paired=True, **columns)
    assert dataset.paired("train")
    assert [dataset.channels(domain) for domain in ("a", "b")] == [3, 1]
    assert (shown(dataset, "train", "a"), shown(dataset, "train", "b")) == ([1, 2], [3, 4])
    assert len(dataset.source("test", "a")) == 0  # there is no such split
    assert not made(tmp_path, path="facades", **columns).paired("train")


def test_pairs_need_as_many_images(tmp_path: Path) -> None:
    animals(5).save_to_disk(tmp_path / "animals")
    dataset = made(tmp_path, path="animals", paired=True, a={"label": 0}, b={"label": 2})
    with pytest.raises(DataError, match=r"has 2 images and .* has 1"):
        dataset.source("train", "a")


def test_splits_and_data_sets_can_be_the_domains(tmp_path: Path) -> None:
    save(tmp_path / "one")
    write_parquet(tmp_path / "two")
    splits = made(tmp_path, path="one", a={"train": "train"}, b={"train": "test", "test": "train"})
    assert len(splits.source("train", "a")) == len(splits.source("test", "b")) == 6
    assert shown(splits, "train", "b") == [0, 10, 20]
    two = made(tmp_path, a={"path": "one"}, b={"path": "two", "label": "donkey"})
    assert len(two.source("train", "a")) == 6
    assert shown(two, "train", "b") == [20, 50]


@pytest.mark.parametrize("column", ["image", "raw"])
def test_encoded_images_of_other_writers_are_decoded(tmp_path: Path, column: str) -> None:
    (tmp_path / "plain").mkdir()
    images = [{"bytes": encoded(n), "path": None} for n in (7, 8)]
    table = {"image": images, "raw": [encoded(7), encoded(8)], "label": [0, 1]}
    pq.write_table(pa.table(table), tmp_path / "plain" / "train.parquet")
    dataset = made(tmp_path, path="plain", column=column, a={"label": 0}, b={"label": 1})
    assert (shown(dataset, "train", "a"), shown(dataset, "train", "b")) == ([7], [8])


@pytest.mark.parametrize("form", ["undecoded", "numpy", "arrow", "one column"])
def test_it_does_not_matter_in_which_form_the_rows_were_to_be_given(
    tmp_path: Path, form: str
) -> None:
    table = animals(6)
    if form == "undecoded":
        table = table.cast_column("image", datasets.Image(decode=False))
    elif form == "one column":
        table = table.with_format("numpy", columns=["image"])
    else:
        table = table.with_format(form)
    table.save_to_disk(tmp_path / "animals")
    assert shown(made(tmp_path, path="animals", **BY_LABEL), "train", "a") == [0, 30]


def test_a_source_is_lazy_and_travels_without_its_images(tmp_path: Path) -> None:
    write_parquet(tmp_path / "animals")
    (tmp_path / "animals" / "test-00000-of-00001.parquet").unlink()
    source = made(tmp_path, path="animals", **BY_LABEL).source("train", "a")
    sent = pickle.dumps(source)
    assert len(sent) < 5000
    assert encoded(30)[40:60] not in sent
    again = pickle.loads(sent)
    assert np.array_equal(again.image(1), source.image(1))
    assert again.label(1) == source.label(1) == "animals/train/3/image"


def test_an_unreadable_image_is_named_and_the_others_are_not_concerned(tmp_path: Path) -> None:
    images = [
        {"bytes": encoded(1), "path": None},
        {"bytes": encoded(2)[:60], "path": None},
        {"bytes": b"no image", "path": None},
        None,
    ]
    (tmp_path / "some").mkdir()
    table = pa.table({"image": images, "label": [0, 0, 0, 0], "other": images})
    pq.write_table(table, tmp_path / "some" / "train.parquet")
    source = made(tmp_path, path="some", a={"label": 0}, b={"column": "other"}).source("train", "a")
    assert source.image(0).size == (16, 16)
    for row in (1, 2, 3):
        with pytest.raises(DataError, match=rf"cannot read the image some/train/{row}/image: "):
            source.image(row)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"path": "nowhere/at/all"}, r"there is no folder .*nowhere/at/all"),
        ({"path": "./animls"}, r"there is no folder"),
        ({"path": "owner/animals"}, r"cannot load the data set 'owner/animals': .*hub: check"),
        ({"path": "a.parquet"}, "is a file: give the folder"),
        ({"path": "empty"}, r"cannot read the data set in .*empty: .*expected a saved data set"),
        ({"train": "trian"}, r"no split 'trian' to train on; it has: train, test"),
        ({"test": "tets"}, r"no split 'tets' to test on"),
        ({"column": "imge"}, r"no column 'imge'; did you mean 'image'\?"),
        ({"column": "label"}, r"the column 'label' of animals/train holds ClassLabel.*not images"),
        ({"label_column": "lable"}, r"no column 'lable'; did you mean 'label'\?"),
        ({"a": {"label": "hrose"}}, r"no label 'hrose'; did you mean 'horse'\?"),
        ({"a": {"label": 17}}, r"animals/train has no image with label = 17"),
    ],
)
def test_what_cannot_be_had_is_one_message(
    tmp_path: Path, settings: dict[str, Any], said: str
) -> None:
    save(tmp_path / "animals")
    (tmp_path / "empty").mkdir()
    (tmp_path / "a.parquet").touch()
    dataset = made(tmp_path, **{"path": "animals", **BY_LABEL, **settings})
    with pytest.raises(DataError, match=said):
        for split in ("train", "test"):
            dataset.source(split, "a")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"path": "x"}, "both domains are the same images"),
        ({"path": "x", "a": {"test": "val"}}, "both domains are the same images"),
        ({"a": {"path": "x"}}, "nothing about where the images are"),
        ({"path": "x", "streaming": True}, "streaming"),
        ({"path": "x", "a": {"lable": "horse"}}, "lable"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        HuggingFace.Config(**settings)


def test_its_settings_are_json_and_come_back() -> None:
    config = HuggingFace.Config(path="x", train="all", **BY_LABEL)
    assert (config.of("a").train, config.of("b").label) == ("all", "zebra")
    dumped = json.loads(json.dumps(config.model_dump(mode="json")))
    assert load_registry().config("dataset", "huggingface", dumped) == config


def test_a_script_in_the_folder_is_not_executed(tmp_path: Path) -> None:
    (tmp_path / "animals").mkdir()
    code = f"from pathlib import Path\nPath({str(tmp_path / 'ran')!r}).touch()\nimport datasets\n"
    (tmp_path / "animals" / "animals.py").write_text(code)
    with pytest.raises(DataError, match="cannot read the data set"):
        made(tmp_path, path="animals", **BY_LABEL).source("train", "a")
    assert not (tmp_path / "ran").exists()


SPEC = """
name = "animals"
[domains]
a = "horse"
b = "zebra"
[method]
type = "cyclegan"
[data]
type = "huggingface"
path = "animals"
workers = 0
a = { label = "horse" }
b = { label = "zebra" }
[generator]
type = "resnet"
width = 2
blocks = 1
[discriminator]
type = "patchgan"
width = 2
layers = 1
[losses.adversarial]
[losses.cycle]
[train]
epochs = 1
sample_every = 2
evaluate_every = 0
checkpoint_every = 2
samples = 1
"""


def test_a_run_from_its_spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_folders(tmp_path / "animals")
    Path("animals.toml").write_text(SPEC)
    with pytest.raises(SystemExit) as end:
        main(["run", "animals.toml", "--device", "cpu", "--run-dir", "run"])
    assert not end.value.code
    assert json.loads(Path("run/summary.json").read_text())["steps"] == 2
    assert list(Path("run/samples").glob("*.png"))


def test_its_settings_need_neither_torch_nor_datasets() -> None:
    code = (
        "import sys, gantrans_hf.hooks, gantrans_hf.dataset\n"
        "assert not {'torch', 'datasets'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
