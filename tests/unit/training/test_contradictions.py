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
    return problems(data={"transform": transform})


def test_the_crop_of_each_domain_has_to_fit_the_networks() -> None:
    found = with_transform(crop=32, b={"crop": 30})
    assert len(found) == 1
    assert found[0].startswith("data.transform.b.crop: 30 is no multiple of 4")
    assert len(with_transform(crop=30)) == 1  # said once, not for each domain
    assert with_transform(crop=32, a={"crop": 28}, b={"crop": 24}) == []


@pytest.mark.parametrize(
    ("resize", "shown"),
    [({"resize": 28}, "28"), ({"resize": [64, 28]}, "(64, 28)")],
)
def test_a_crop_larger_than_what_resize_leaves_is_refused(resize: Any, shown: str) -> None:
    assert with_transform(crop=32, **resize) == [
        f"data.transform.crop: larger than resize = {shown}"
    ]


def test_both_images_of_a_pair_are_cut_and_turned_alike() -> None:
    paired = {"pairs": True, "transform": {"crop": 32, "a": {"flip": False}}}
    assert problems(data=paired) == [
        "data.transform.flip: the data is paired: it must be the same for both domains"
    ]
    colours = {"pairs": True, "transform": {"crop": 32, "a": {"jitter": {"hue": 0.1}}}}
    assert problems(data=colours) == []


def test_a_plateau_needs_a_metric_that_the_test_data_allow(tmp_path: Any) -> None:
    unpaired = {"type": "unpaired_folder", "root": str(tmp_path)}
    spec = {**tiny_spec(train={"decay": "plateau"}), "data": unpaired}
    with pytest.raises(SpecError, match=r"train.decay: .* psnr, ssim need pairs in the test data"):
        check(load(spec))


def test_a_plateau_needs_test_images() -> None:
    loaded = load(tiny_spec(train={"decay": "plateau"}, data={"test": 0}))
    with pytest.raises(DataError, match="needs test images"):
        assemble(loaded, torch.device("cpu"))
