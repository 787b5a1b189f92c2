from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gantrans.training.standing import digits
from gantrans.training.summary import in_words
from tiny_run import tiny_job


@pytest.mark.parametrize(
    ("value", "shown"),
    [(19.274, "19.27"), (0.0, "0.00"), (0.41239, "0.412"), (0.0041239, "0.00412"), (-3.0, "-3.00")],
)
def test_small_numbers_keep_three_digits(value: float, shown: str) -> None:
    assert digits(value) == shown


def test_each_number_is_said_beside_its_strongest_baseline_by_the_metrics_own_direction() -> None:
    job = tiny_job(domains={"a": "summer", "b": "winter"})
    scores: Any = {
        "summer->winter": {
            "l1": {"value": 12.5, "baselines": {"input_unchanged": 20.0, "mean_image": 12.0}},
            "swd": {"value": 90.0, "baselines": {"input_unchanged": 120.0, "mean_image": 400.0}},
            "cycle": {"value": 4.0, "baselines": {}},
        }
    }
    line = in_words(job, Path("run"), 12, 1.0, scores, None)[1]
    assert line == (
        "summer to winter: L1 12.50 levels, 0.5 levels worse than the mean training image "
        "(12.00); SWD 90.00, 30.00 better than the unchanged input (120.00); CYCLE 4.00 levels"
    )


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"data": {"test": 0}}, "there are no test images"),
        ({"metrics": {}}, "the spec names none"),
    ],
)
def test_why_nothing_was_measured_is_said(changes: Any, why: str) -> None:
    line = in_words(tiny_job(**changes), Path("run"), 12, 1.0, {}, None)[1]
    assert line == f"no metric could be measured ({why}): judge by the pictures"
