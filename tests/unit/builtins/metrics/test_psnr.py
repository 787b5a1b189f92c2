from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from gantrans.api.metric import Translated
from gantrans.builtins.metrics.psnr import PSNR


def psnr(*batches: tuple[Tensor, Tensor]) -> float:
    metric = PSNR(PSNR.Config())
    for fake, truth in batches:
        metric.update(Translated(source=torch.zeros_like(fake), fake=fake, truth=truth))
    return metric.compute()["psnr"]


@pytest.mark.parametrize(
    ("difference", "decibels"),
    # Images in [-1, 1]: a difference of d is d / 2 of the range, and the MSE is its square.
    [(2.0, 0.0), (0.2, 20.0), (0.02, 40.0), (1.0, 20 * math.log10(2))],
)
def test_it_is_10_log10_of_1_over_the_mean_squared_error(
    difference: float, decibels: float
) -> None:
    fake = torch.full((1, 3, 4, 4), -1.0)
    assert psnr((fake, fake + difference)) == pytest.approx(decibels, abs=1e-5)


def test_the_error_is_the_mean_over_pixels_and_channels() -> None:
    truth = torch.zeros(1, 3, 2, 2)
    fake = truth.clone()
    fake[0, 1, 0, 1] = 1.2  # 0.6 of the range, in one of twelve values
    assert psnr((fake, truth)) == pytest.approx(-10 * math.log10(0.36 / 12))


def test_images_count_alike_whatever_their_batches() -> None:
    truth = torch.zeros(3, 1, 2, 2)
    fake = torch.tensor([2.0, 0.2, 0.02]).reshape(3, 1, 1, 1).expand_as(truth)
    assert psnr((fake, truth)) == pytest.approx(20.0)  # the mean of 0, 20 and 40 dB
    assert psnr((fake[:1], truth[:1]), (fake[1:], truth[1:])) == pytest.approx(20.0)


def test_equal_images_get_100_decibels_and_nothing_gets_more() -> None:
    image = torch.rand(2, 3, 4, 4)
    assert psnr((image, image)) == 100
    assert psnr((image.double(), image.double() + 1e-9)) == 100
