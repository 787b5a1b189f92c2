from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from gantrans.training.evaluate import Evaluation
from gantrans.training.evaluation_images import evaluation_image
from tiny_run import tiny_job


class Unchanged(nn.Module):
    """Gives back what it gets; notes whether it was in use or in training."""

    multiple_of = min_size = 1

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[bool] = []

    def forward(self, x: Tensor) -> Tensor:
        self.seen.append(self.training)
        return x


def measured(**changes: Any) -> Any:
    job = tiny_job(domains={"a": "summer", "b": "winter"}, **changes)
    generators: Any = {"ab": Unchanged(), "ba": Unchanged()}
    return Evaluation(job).measure(generators), job, generators


def test_psnr_is_that_of_the_translations_to_the_true_other_season() -> None:
    scores, job, _ = measured(data={"test": 3})
    summer, winter = (
        torch.stack(
            [evaluation_image(job.dataset, job.dataset.source("test", d), d, i) for i in range(3)]
        )
        for d in ("a", "b")
    )
    errors = ((summer - winter) / 2).square().mean(dim=(1, 2, 3))
    expected = sum(-10 * math.log10(error) for error in errors.tolist()) / 3
    for direction in ("summer->winter", "winter->summer"):
        score = scores[direction]["psnr"]
        assert score["value"] == pytest.approx(expected, rel=1e-5)
        # A generator that changes nothing is exactly as good as doing nothing.
        assert score["doing_nothing"] == score["value"]
        assert set(scores[direction]) == {"psnr", "ssim"}


def test_generators_are_in_use_while_measured_and_in_training_again_afterwards() -> None:
    _, _, generators = measured()
    for generator in generators.values():
        assert not any(generator.seen)
        assert generator.training


def test_without_test_images_nothing_is_measured() -> None:
    scores, _, _ = measured(data={"test": 0})
    assert scores == {}


def test_the_headline_is_the_first_metrics_mean_over_the_directions() -> None:
    _, job, _ = measured()
    scores: Any = {
        "summer->winter": {"psnr": {"value": 10.0}, "ssim": {"value": 0.9}},
        "winter->summer": {"psnr": {"value": 13.0}, "ssim": {"value": 0.1}},
    }
    assert Evaluation(job).headline(scores) == 11.5
