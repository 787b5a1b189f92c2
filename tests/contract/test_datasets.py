from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest

from gantrans.api.dataset import Dataset, ImageSource
from gantrans.api.image import to_tensor
from gantrans.api.step import DOMAINS

KIND = "dataset"


@pytest.fixture
def dataset(config: Any, folders: Path) -> Dataset:
    built: Dataset = config.build(base_dir=folders)
    return built


def first(source: ImageSource, count: int = 3) -> range:
    return range(min(count, len(source)))


@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("split", ["train", "test"])
def test_a_source_gives_the_same_images_each_time_and_in_another_process(
    dataset: Dataset, split: Any, domain: Any
) -> None:
    source = dataset.source(split, domain)
    sent = pickle.loads(pickle.dumps(source))
    assert len(sent) == len(source)
    for index in first(source):
        image = source.image(index)
        for again in (source.image(index), sent.image(index)):
            assert (again.mode, again.size) == (image.mode, image.size)
            assert again.tobytes() == image.tobytes()


@pytest.mark.parametrize("domain", DOMAINS)
def test_there_are_training_images_that_can_be_told_apart(dataset: Dataset, domain: Any) -> None:
    source = dataset.source("train", domain)
    assert len(source) > 1
    labels = [source.label(index) for index in range(len(source))]
    assert all(label.strip() for label in labels)
    assert len(set(labels)) == len(labels)
    pictures = {source.image(index).tobytes() for index in first(source)}
    assert len(pictures) == len(first(source))


@pytest.mark.parametrize("domain", DOMAINS)
def test_an_image_becomes_a_tensor_of_the_channels_it_says(dataset: Dataset, domain: Any) -> None:
    channels = dataset.channels(domain)
    assert channels in (1, 3)
    source = dataset.source("train", domain)
    tensor = to_tensor(source.image(0), channels)
    assert tensor.shape[0] == channels
    assert float(tensor.abs().max()) <= 1


@pytest.mark.parametrize("split", ["train", "test"])
def test_paired_domains_have_as_many_images(dataset: Dataset, split: Any) -> None:
    if not dataset.paired(split):
        pytest.skip("this split is unpaired")
    a, b = (dataset.source(split, domain) for domain in DOMAINS)
    assert len(a) == len(b)
    for index in first(a):
        assert a.image(index).size == b.image(index).size


def test_making_it_reads_nothing(config: Any, tmp_path: Path) -> None:
    config.build(base_dir=tmp_path / "not there")
