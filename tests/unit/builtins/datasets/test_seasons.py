from __future__ import annotations

import hashlib
import math
import pickle
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageChops, ImageStat
from pydantic import ValidationError

from gantrans.builtins.datasets.landscape import paint
from gantrans.builtins.datasets.seasons import DrawnScenes, Seasons


def seasons(**settings: Any) -> Seasons:
    return Seasons(Seasons.Config(**settings), base_dir=Path())


def psnr(a: Image.Image, b: Image.Image) -> float:
    """In dB, of two RGB images whose values are taken to lie in [0, 1]."""
    squares = ImageStat.Stat(ImageChops.difference(a, b)).sum2
    return -10 * math.log10(sum(squares) / (3 * a.width * a.height * 255**2))


def fingerprint(**settings: Any) -> str:
    source = seasons(**settings).source("train", "b")
    return hashlib.sha256(source.image(3).tobytes()).hexdigest()


def test_the_seed_decides_the_pixels() -> None:
    assert fingerprint(scene_seed=5) == fingerprint(scene_seed=5)
    assert fingerprint(scene_seed=5) != fingerprint(scene_seed=6)


def test_a_fresh_process_draws_the_same_pixels() -> None:
    program = (
        "import hashlib, pathlib\n"
        "from gantrans.builtins.datasets.seasons import Seasons\n"
        "source = Seasons(Seasons.Config(scene_seed=5), base_dir=pathlib.Path())"
        ".source('train', 'b')\n"
        "print(hashlib.sha256(source.image(3).tobytes()).hexdigest())"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == fingerprint(scene_seed=5)


def test_more_scenes_leave_the_first_ones_as_they_are() -> None:
    assert fingerprint(train=10) == fingerprint(train=20)


def test_the_training_domains_share_no_scene() -> None:
    dataset = seasons(train=50)
    assert not dataset.paired("train")
    a, b = dataset.source("train", "a"), dataset.source("train", "b")
    assert not {a.scene(i) for i in range(50)} & {b.scene(i) for i in range(50)}


def test_the_test_domains_share_every_scene_and_none_with_training() -> None:
    dataset = seasons(train=50, test=20)
    assert dataset.paired("test")
    a, b = dataset.source("test", "a"), dataset.source("test", "b")
    assert [a.scene(i) for i in range(20)] == [b.scene(i) for i in range(20)]
    trained = {dataset.source("train", d).scene(i) for d in ("a", "b") for i in range(50)}
    assert not trained & {a.scene(i) for i in range(20)}


def test_with_pairs_the_training_domains_share_every_scene() -> None:
    dataset = seasons(train=20, pairs=True)
    assert dataset.paired("train")
    assert dataset.paired("test")
    a, b = dataset.source("train", "a"), dataset.source("train", "b")
    assert [a.scene(i) for i in range(20)] == [b.scene(i) for i in range(20)]
    assert a.image(0).tobytes() != b.image(0).tobytes(), "in two seasons"
    assert a.label(3) == b.label(3) == "train-0003"
    others = [seasons(train=20).source("train", d) for d in ("a", "b")]
    others.append(dataset.source("test", "a"))
    assert not {a.scene(i) for i in range(20)} & {o.scene(i) for o in others for i in range(20)}


def test_pairs_leave_the_test_scenes_as_they_are() -> None:
    assert seasons(pairs=True).source("test", "b") == seasons().source("test", "b")


def test_all_scenes_differ() -> None:
    source = seasons(test=100).source("test", "a")
    assert len({source.scene(i) for i in range(100)}) == 100


@pytest.mark.parametrize("size", [16, 64, 100, 256])
def test_the_size_is_respected(size: int) -> None:
    image = seasons(size=size).source("test", "a").image(0)
    assert (image.size, image.mode) == ((size, size), "RGB")


def test_pictures_need_not_be_square() -> None:
    scene = seasons().source("test", "a").scene(0)
    assert paint(scene, "winter", (96, 48)).size == (96, 48)
    with pytest.raises(ValueError, match="0 x 5"):
        paint(scene, "winter", (0, 5))


def test_a_small_picture_shows_what_a_large_one_shows() -> None:
    small, large = (seasons(size=size).source("test", "a").image(0) for size in (64, 256))
    assert psnr(large.reduce(4), small) > 25


def test_the_unchanged_input_is_a_poor_translation() -> None:
    dataset = seasons(test=32)
    a, b = dataset.source("test", "a"), dataset.source("test", "b")
    values = [psnr(a.image(i), b.image(i)) for i in range(32)]
    assert 6 < sum(values) / len(values) < 9.5


def test_the_mean_of_the_training_images_is_a_poor_translation() -> None:
    """The layouts vary so much that their mean fits none of them."""
    dataset = seasons(train=200, test=32)
    for domain in ("a", "b"):
        images = dataset.source("train", domain)
        mean = np.mean([np.asarray(images.image(i), dtype=float) for i in range(200)], axis=0)
        truth = dataset.source("test", domain)
        errors = [((np.asarray(truth.image(i)) - mean) ** 2).mean() for i in range(32)]
        assert np.mean([10 * np.log10(255**2 / error) for error in errors]) < 17.5


def test_winter_is_whiter_than_summer() -> None:
    dataset = seasons(test=8)
    a, b = dataset.source("test", "a"), dataset.source("test", "b")
    for i in range(8):
        summer, winter = (ImageStat.Stat(s.image(i).convert("HSV")).mean for s in (a, b))
        assert winter[1] < summer[1] - 40, "less saturated"
        assert winter[2] > summer[2] + 30, "brighter"


def test_a_million_scenes_cost_nothing_until_they_are_drawn() -> None:
    start = time.perf_counter()
    source = seasons(train=1_000_000).source("train", "a")
    assert len(source) == 1_000_000
    assert time.perf_counter() - start < 0.1
    assert source.image(999_999).size == (64, 64)


def test_sources_pickle() -> None:
    source = seasons(size=32).source("train", "a")
    copy = pickle.loads(pickle.dumps(source))
    assert copy == source
    assert copy.image(1).tobytes() == source.image(1).tobytes()


def test_labels_name_split_and_scene() -> None:
    assert seasons().source("test", "b").label(3) == "test-0003"


@pytest.mark.parametrize("index", [-1, 4])
def test_there_is_nothing_outside(index: int) -> None:
    source = seasons(train=4).source("train", "a")
    for look in (source.image, source.scene):
        with pytest.raises(IndexError, match="0 to 3"):
            look(index)


@pytest.mark.parametrize("settings", [{"size": 15}, {"train": 0}, {"test": -1}, {"season": "fall"}])
def test_nonsense_is_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Seasons.Config(**settings)


def test_every_setting_is_described() -> None:
    assert all(field.description for field in Seasons.Config.model_fields.values())


def test_images_have_three_channels() -> None:
    assert seasons().channels("a") == seasons().channels("b") == 3


def test_a_source_is_a_value() -> None:
    assert seasons().source("test", "a") == seasons().source("test", "a")
    assert isinstance(seasons().source("test", "a"), DrawnScenes)
