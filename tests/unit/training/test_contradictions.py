from __future__ import annotations

from typing import Any

import pytest
import torch

from gantrans.errors import DataError, SpecError
from gantrans.spec.load import load
from gantrans.training.assemble import assemble
from gantrans.training.contradictions import check
from tiny_run import tiny_spec


def problems(**changes: Any) -> list[str]:
    try:
        check(load(tiny_spec(**changes)))
    except SpecError as error:
        return [problem.removeprefix("spec: ") for problem in error.problems]
    return []


def with_transform(**transform: Any) -> list[str]:
    return problems(data={"transform": transform}, metrics={})


def test_the_crop_of_each_domain_has_to_fit_the_networks() -> None:
    found = with_transform(crop=32, b={"crop": 30})
    assert len(found) == 1
    assert found[0].startswith("data.transform.b.crop: 30 is no multiple of 4")
    assert len(with_transform(crop=30)) == 1  # said once, not for each domain
    assert with_transform(crop=32, a={"crop": 28}, b={"crop": 24}) == []


@pytest.mark.parametrize(
    ("resize", "shown"),
    [({"resize": 28}, "28"), ({"resize": [64, 28]}, "[64, 28]")],
)
def test_a_crop_larger_than_what_resize_leaves_is_refused(resize: Any, shown: str) -> None:
    assert with_transform(crop=32, **resize) == [
        f"data.transform.crop: larger than resize = {shown}"
    ]


def test_both_images_of_a_pair_are_cut_and_turned_alike() -> None:
    paired = {"pairs": True, "transform": {"crop": 32, "a": {"flip": False}}}
    assert problems(data=paired) == [
        "data.transform.flip: the training data is paired: it must be the same for both domains"
    ]
    colours = {"pairs": True, "transform": {"crop": 32, "a": {"jitter": {"hue": 0.1}}}}
    assert problems(data=colours) == []


def test_a_plateau_needs_a_metric_that_the_test_data_allow(tmp_path: Any) -> None:
    unpaired = {"type": "unpaired_folder", "root": str(tmp_path)}
    spec = {**tiny_spec(train={"decay": "plateau"}), "data": unpaired}
    check(load(spec))  # the distance to real images needs no pairs
    for metrics in (["psnr", "ssim"], ["psnr", "cycle"]):  # a way back says nothing of a way there
        spec["metrics"] = {name: {} for name in metrics}
        said = rf"train.decay: .* with {', '.join(metrics)} and these test data there is none"
        with pytest.raises(SpecError, match=said):
            check(load(spec))


def test_a_plateau_needs_test_images() -> None:
    loaded = load(tiny_spec(train={"decay": "plateau"}, data={"test": 0}))
    with pytest.raises(DataError, match="needs test images"):
        assemble(loaded, torch.device("cpu"))


def test_a_translation_is_compared_with_the_same_part_of_its_truth() -> None:
    """The test scenes of seasons are pairs, the training scenes are not."""
    cut = {"transform": {"crop": 32, "b": {"crop": 24}}}
    assert problems(data=cut) == [
        "data.transform.crop: the test data is paired: it must be the same for both domains"
    ]
    assert problems(data=cut, metrics={}) == []
    assert problems(data={"transform": {"crop": 32, "b": {"flip": False}}}) == []


def test_a_warm_up_ends_before_the_run_does() -> None:
    loaded = load(tiny_spec(train={"warmup": 12}))  # 2 epochs of 6 steps
    with pytest.raises(SpecError, match=r"train.warmup: the run has 12 steps"):
        assemble(loaded, torch.device("cpu"))


PAIRS = '''
import gantrans
from PIL import Image


class Shades(gantrans.ImageSource):
    """Gray images, fewer or larger ones of the second domain."""

    def __init__(self, count, side):
        self.count, self.side = count, side

    def __len__(self):
        return self.count

    def image(self, index):
        return Image.new("RGB", (self.side, 32), (10 * index, 0, 0))

    def label(self, index):
        return f"shade-{self.side}-{index}"


class Pairs(gantrans.Dataset):
    """Says that its images are pairs."""

    name = "pairs"

    class Config(gantrans.DatasetConfig):
        counts: tuple[int, int] = (2, 2)
        sides: tuple[int, int] = (32, 32)

    def source(self, split, domain):
        n = "ab".index(domain)
        return Shades(self.config.counts[n], self.config.sides[n])

    def paired(self, split):
        return True
'''


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"counts": [4, 6]}, "its train images are pairs, but there are 4 .* and 6"),
        (
            {"sides": [32, 48]},
            r"shade-32-\d is 32 x 32 pixels and shade-48-\d 48 x 32: .* one size",
        ),
    ],
)
def test_pairs_that_are_none_are_refused(tmp_path: Any, settings: Any, said: str) -> None:
    (tmp_path / "pairs.py").write_text(PAIRS)
    spec = tiny_spec(plugins=[str(tmp_path / "pairs.py")])
    spec["data"] = {"type": "pairs", "transform": {"crop": 32}, **settings}
    with pytest.raises(DataError, match=said):
        assemble(load(spec), torch.device("cpu"))


def test_a_loss_that_mixes_images_needs_one_size() -> None:
    cut = {"transform": {"crop": 32, "b": {"crop": 24}}}
    found = problems(data=cut, metrics={}, losses={"gradient_penalty": {}, "r1": {}})
    assert found == [
        "losses.gradient_penalty: it mixes images of both domains, and data.transform.crop is 32 "
        "for a and 24 for b: give both the same, or remove this loss"
    ]


def test_a_plateau_is_looked_for_while_the_run_goes_on() -> None:
    assert problems(train={"decay": "plateau", "evaluate_every": 0}) == [
        "train.evaluate_every: 0 measures at the end only, when it is too late for a plateau"
    ]


@pytest.mark.parametrize(
    ("generator", "name"), [({"type": "unet", "depth": 4}, "unet"), ({"norm": "batch"}, "resnet")]
)
def test_a_generator_that_cannot_recompute_is_not_told_to(generator: Any, name: str) -> None:
    settings = {"width": 4, **generator}
    if "depth" in generator:
        settings["blocks"] = None
    [said] = problems(generator=settings, train={"recompute": True})
    assert said.startswith(f"train.recompute: the generator {name!r} cannot recompute")
    assert problems(train={"recompute": True}) == []
