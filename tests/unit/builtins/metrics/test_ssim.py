"""What structural similarity is, tests/unit/builtins/test_structural_similarity.py holds."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from gantrans.api.metric import Translated
from gantrans.builtins.metrics.ssim import SSIM
from gantrans.builtins.structural_similarity import structural_similarity

C1 = 0.0001


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def ssim(*batches: tuple[Tensor, Tensor]) -> float:
    metric = SSIM(SSIM.Config())
    for fake, truth in batches:
        metric.update(Translated(source=fake, fake=fake, truth=truth))
    assert metric.compute().keys() == {"ssim"}
    return metric.compute()["ssim"]


def test_it_takes_images_in_minus_1_to_1() -> None:
    """Constant images, which differ in luminance alone: 0.25 and 0.75 of [0, 1]."""
    fake, truth = torch.full((1, 3, 16, 16), -0.5), torch.full((1, 3, 16, 16), 0.5)
    expected = (2 * 0.25 * 0.75 + C1) / (0.25**2 + 0.75**2 + C1)
    assert ssim((fake, truth)) == pytest.approx(expected, abs=1e-9)


def test_images_count_alike_whatever_their_batches() -> None:
    x, y = noise(3, 3, 16, 16), noise(3, 3, 16, 16, seed=1)
    each = [structural_similarity(x[n : n + 1].double(), y[n : n + 1].double()) for n in range(3)]
    expected = torch.cat(each).mean().item()
    parts = [(2 * x[part] - 1, 2 * y[part] - 1) for part in (slice(0, 1), slice(1, 3))]
    assert ssim(*parts) == pytest.approx(expected, abs=1e-6)


def test_it_is_measured_in_float64() -> None:
    """In float32 the variance of a bright, almost even image drowns in that of its mean."""
    x = 0.9 + 1e-3 * noise(1, 1, 32, 32)
    y = 0.9 + 1e-3 * noise(1, 1, 32, 32, seed=1)
    exact = structural_similarity(((x + 1) / 2).double(), ((y + 1) / 2).double()).item()
    assert ssim((x, y)) == exact
