from __future__ import annotations

from typing import Any

import pytest
import torch

import one_domain
from gantrans.errors import DataError, SpecError
from gantrans.spec.load import load
from gantrans.training.assemble import assemble
from gantrans.training.contradictions import check
from tiny_run import tiny_spec

UNPAIRED = {"type": "unpaired_folder", "root": "/nowhere"}
ALL = "psnr, ssim, l1, swd, cycle"


def problems(*, unpaired: bool = False, **changes: Any) -> list[str]:
    try:
        spec = tiny_spec(**changes)
        check(load({**spec, "data": UNPAIRED} if unpaired else spec))
    except SpecError as error:
        return [problem.removeprefix("spec: ") for problem in error.problems]
    return []


@pytest.mark.parametrize("key", ["psnr", "ssim", "l1", "swd"])
def test_what_can_be_measured_may_choose(key: str) -> None:
    assert problems(train={"best_by": key, "stop_after": 3, "keep_best": 2}) == []


def test_a_metric_that_the_spec_does_not_name_cannot_choose() -> None:
    assert problems(train={"best_by": "swt"}) == [
        f"train.best_by: the spec has no metric 'swt'; did you mean 'swd'? (it has: {ALL})"
    ]
    assert problems(train={"best_by": "swd"}, metrics={}) == [
        "train.best_by: the spec has no metric 'swd' (it has none)"
    ]


def test_one_that_needs_pairs_cannot_choose_without() -> None:
    assert problems(unpaired=True, train={"best_by": "psnr"}) == [
        "train.best_by: psnr needs pairs, and the test data of 'unpaired_folder' has none: "
        "choose swd"
    ]
    assert problems(unpaired=True, train={"best_by": "swd"}) == []


def test_the_way_back_cannot_choose_for_the_unchanged_input_would_win() -> None:
    said = "train.best_by: cycle cannot choose: it is best of a generator that changes nothing"
    assert problems(train={"best_by": "cycle"}) == [said]


@pytest.mark.parametrize(("key", "value"), [("stop_after", 2), ("keep_best", 2)])
@pytest.mark.parametrize("metrics", [[], ["cycle"]])
def test_without_a_metric_nothing_can_be_the_best(key: str, value: int, metrics: list[str]) -> None:
    [said] = problems(train={key: value}, metrics={name: {} for name in metrics})
    assert said.startswith(f"train.{key}: ")
    assert "there is none" in said
    assert said.endswith("name one in [metrics], or take this key out")


def test_an_early_end_is_looked_for_while_the_run_goes_on() -> None:
    assert problems(train={"stop_after": 2, "evaluate_every": 0}) == [
        "train.evaluate_every: 0 measures at the end only, when it is too late for an early end"
    ]


@pytest.mark.parametrize(
    ("train", "named"),
    [
        ({"stop_after": 2}, "train.stop_after = 2"),
        ({"best_by": "swd"}, 'train.best_by = "swd"'),
        ({"keep_best": 3}, "train.keep_best = 3"),
        ({"decay": "plateau"}, 'train.decay = "plateau"'),
    ],
)
def test_what_needs_test_images_is_refused_where_there_are_none(train: Any, named: str) -> None:
    loaded = load(tiny_spec(train=train, data={"test": 0}))
    with pytest.raises(DataError, match=f"^{named} needs test images, and there are none$"):
        assemble(loaded, torch.device("cpu"))


def test_a_method_that_translates_nothing_has_no_best(tmp_path: Any) -> None:
    wanted = one_domain.spec(tmp_path, train={"stop_after": 2})
    with pytest.raises(SpecError) as error:
        check(load(wanted))
    assert error.value.problems == (
        "spec: train.stop_after: it waits for a better metric of translations, and 'sampler' makes "
        "none: take this key out",
    )


@pytest.mark.parametrize(
    ("train", "said"),
    [
        ({"keep_every": 750}, "it must be a multiple of checkpoint_every, which is 500"),
        (
            {"keep_every": 100, "checkpoint_every": 0},
            "checkpoint_every = 0 saves at the end only: set that, or take this out",
        ),
    ],
)
def test_only_checkpoints_that_are_made_can_be_kept(train: Any, said: str) -> None:
    assert problems(train=train) == [f"train.keep_every: {said}"]
    assert problems(train={"keep_every": 1500}) == []
