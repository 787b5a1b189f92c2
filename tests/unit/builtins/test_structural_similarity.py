from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from gantrans.builtins.structural_similarity import structural_similarity as ssim

C1, C2 = 0.0001, 0.0009  # (0.01 * 1)^2 and (0.03 * 1)^2


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def from_the_paper(x: Tensor, y: Tensor, side: int = 11) -> float:
    """One image (C, H, W), window by window, with the moments about the mean (Wang et al. 2004)."""
    middle = (side - 1) / 2
    bell = [
        [math.exp(-((i - middle) ** 2 + (j - middle) ** 2) / (2 * 1.5**2)) for j in range(side)]
        for i in range(side)
    ]
    weights = torch.tensor(bell, dtype=torch.float64)
    weights /= weights.sum()
    values = []
    for channel in range(x.shape[0]):
        for top in range(x.shape[1] - side + 1):
            for left in range(x.shape[2] - side + 1):
                p = x[channel, top : top + side, left : left + side]
                q = y[channel, top : top + side, left : left + side]
                mp, mq = (weights * p).sum(), (weights * q).sum()
                vp, vq = (weights * (p - mp) ** 2).sum(), (weights * (q - mq) ** 2).sum()
                together = (weights * (p - mp) * (q - mq)).sum()
                values.append(
                    (2 * mp * mq + C1)
                    * (2 * together + C2)
                    / ((mp**2 + mq**2 + C1) * (vp + vq + C2))
                )
    return float(torch.stack(values).mean())


def test_it_equals_the_paper_window_by_window() -> None:
    x = noise(2, 2, 14, 17)
    y = (0.6 * x + 0.4 * noise(2, 2, 14, 17, seed=1)).clamp(0, 1)
    expected = [from_the_paper(p, q) for p, q in zip(x, y, strict=True)]
    assert ssim(x, y).tolist() == pytest.approx(expected, abs=1e-9)
    assert 0.1 < expected[0] < 0.95


def test_identical_images_have_1() -> None:
    x = noise(2, 3, 20, 20)
    assert ssim(x, x).tolist() == pytest.approx([1, 1], abs=1e-9)


@pytest.mark.parametrize(("p", "q"), [(0.2, 0.8), (0.0, 1.0), (0.5, 0.5), (0.1, 0.15)])
def test_of_two_constant_images_only_the_luminance_counts(p: float, q: float) -> None:
    x, y = (torch.full((1, 3, 16, 16), value, dtype=torch.float64) for value in (p, q))
    expected = (2 * p * q + C1) / (p**2 + q**2 + C1)
    assert ssim(x, y).item() == pytest.approx(expected, abs=1e-9)


def test_inverted_contrast_is_negative() -> None:
    x = noise(1, 1, 32, 32)
    assert ssim(x, 1 - x).item() < -0.8


def test_the_window_shrinks_to_a_small_image() -> None:
    x, y = noise(1, 1, 7, 7), noise(1, 1, 7, 7, seed=1)
    assert ssim(x, y).item() == pytest.approx(from_the_paper(x[0], y[0], side=7), abs=1e-9)
    flat = noise(1, 1, 5, 30)
    assert ssim(flat, flat).item() == pytest.approx(1)
