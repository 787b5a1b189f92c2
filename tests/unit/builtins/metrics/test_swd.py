"""Against a slow version in plain numpy, given the same places and directions; and by facts."""

from __future__ import annotations

import statistics
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from gantrans.api.metric import Translated
from gantrans.api.randomness import derived_seed
from gantrans.builtins.laplacian_pyramid import laplacian_pyramid
from gantrans.builtins.metrics.swd import SWD
from gantrans.builtins.sliced_wasserstein import directions
from gantrans.errors import DataError


def images(count: int, side: int, seed: int, shift: float = 0.0, channels: int = 3) -> Tensor:
    """Coarse blobs and fine noise, as photographs have."""
    stream = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, channels, 4, 4, generator=stream)
    fine = torch.rand(count, channels, side, side, generator=stream)
    blobs = torch.nn.functional.interpolate(coarse, (side, side), mode="bilinear")
    return (blobs + 0.3 * fine) * 1.2 - 0.9 + shift


def metric(fakes: list[Tensor], reals: list[Tensor], **settings: Any) -> SWD:
    measured = SWD(SWD.Config(**settings))
    for batch in reals:
        measured.update_real(batch)
    for batch in fakes:
        measured.update(Translated(batch, batch))
    return measured


def swd(fakes: Tensor, reals: Tensor, **settings: Any) -> float:
    return metric([fakes], [reals], **settings).compute()["swd"]


def plain(fakes: Tensor, reals: Tensor, patches: int, *, each: bool) -> float:
    """Karras et al. 2018, as their code goes: patches, one scale, projections, sorted."""
    levels = 2  # 32 and 16 pixels
    found = []
    for level in range(levels):
        sets = []
        for pictures in (fakes, reals):
            drawn = []
            for index, picture in enumerate(pictures):
                at = laplacian_pyramid(picture[None], levels)[::-1][level][0].numpy()
                seed = derived_seed(0, "patches", index, level)
                places = torch.rand(patches, 2, generator=torch.Generator().manual_seed(seed))
                for row, column in places.tolist():
                    y, x = int(row * (at.shape[1] - 6)), int(column * (at.shape[2] - 6))
                    drawn.append(at[:, y : y + 7, x : x + 7])
            sets.append(np.stack(drawn).astype(np.float64))
        scales = [(s.mean((0, 2, 3)), s.std((0, 2, 3))) for s in sets]
        points = []
        for s, scale in zip(sets, scales if each else [scales[1]] * 2, strict=True):
            mean, deviation = (v[None, :, None, None] for v in scale)
            points.append(((s - mean) / deviation).reshape(len(s), -1))
        along = directions(points[0].shape[1], 32, 0).numpy().astype(np.float64)
        a, b = (np.sort(p @ along, axis=0) for p in points)
        found.append(1000 * np.abs(a - b).mean())
    return float(np.mean(found))


@pytest.mark.parametrize("scale", ["real", "each"])
def test_it_is_that_of_the_paper(scale: str) -> None:
    fakes, reals = images(5, 32, 0, shift=0.2), images(5, 32, 1)
    expected = plain(fakes, reals, 20, each=scale == "each")
    found = swd(fakes, reals, patches=20, directions=32, scale=scale)
    assert found == pytest.approx(expected, rel=1e-4)


def test_equal_sets_are_at_0_and_another_distribution_is_far() -> None:
    x, y = images(8, 32, 0), images(8, 32, 1)
    assert swd(x, x) == 0
    near, far = swd(y, x), swd(0.5 * y, x)
    assert 0 < near < far


def test_a_colour_cast_counts_unless_each_set_is_measured_by_itself() -> None:
    x = images(6, 32, 0)
    cast = x + torch.tensor([0.4, 0.0, -0.2]).reshape(1, 3, 1, 1)
    assert swd(cast, x) > 100
    assert swd(cast, x, scale="each") == pytest.approx(0, abs=0.1)


def test_the_levels_are_from_full_size_down_to_16_pixels_and_it_is_their_mean() -> None:
    measured = metric([images(3, 64, 0)], [images(3, 64, 1)], by_level=True)
    numbers = measured.compute()
    assert set(numbers) == {"swd", "level_1", "level_2", "level_3"}
    assert numbers["swd"] == pytest.approx(sum(v for k, v in numbers.items() if k != "swd") / 3)
    assert measured.protocol()["levels"] == 3
    same = measured.resampled(torch.arange(3), torch.arange(3))
    assert same == pytest.approx(numbers, rel=1e-4)


def test_images_of_several_sizes_are_compared_at_the_levels_that_all_have() -> None:
    small, large = images(2, 32, 0), images(3, 64, 1)
    measured = metric([small, images(1, 40, 2)], [large], patches=10)
    assert measured.protocol() == {
        "levels": 2,
        "patches_of_translations": 30,
        "patches_of_real_images": 30,
    }
    assert measured.compute()["swd"] > 0


def test_batches_and_their_order_do_not_matter() -> None:
    x, y = images(6, 32, 0), images(6, 32, 1)
    whole = metric([x], [y], patches=16).compute()
    assert metric([x[:1], x[1:5], x[5:]], [y[:4], y[4:]], patches=16).compute() == whole


def test_of_many_images_fewer_patches_each_are_kept() -> None:
    x, y = images(9, 32, 0), images(5, 32, 1)
    measured = metric([x[:1], x[1:]], [y], patches=16, at_most=50)
    assert measured.protocol()["patches_of_translations"] == 9 * 4
    assert measured.protocol()["patches_of_real_images"] == 5 * 8
    assert measured.compute() == metric([x], [y], patches=16, at_most=50).compute()


def test_with_one_patch_left_no_image_is_left_out() -> None:
    measured = metric([images(9, 16, 0)], [images(9, 16, 1)], patches=16, at_most=4)
    assert measured.protocol()["patches_of_translations"] == 9


def test_drawn_images_stray_as_far_as_in_a_bootstrap_that_measures_again() -> None:
    x, y = images(16, 16, 0, shift=0.15), images(16, 16, 1)
    measured = metric([x], [y], directions=64)
    stream = torch.Generator().manual_seed(0)
    kept, anew = [], []
    for _ in range(60):
        i, j = (torch.randint(16, (16,), generator=stream) for _ in range(2))
        kept.append(measured.resampled(i, j)["swd"])
        anew.append(metric([x[i]], [y[j]], directions=64).compute()["swd"])
    assert statistics.stdev(kept) == pytest.approx(statistics.stdev(anew), rel=0.3)
    assert statistics.mean(kept) == pytest.approx(measured.compute()["swd"], rel=0.1)


def test_even_images_have_a_distance_though_nothing_varies() -> None:
    black, gray = torch.full((2, 1, 16, 16), -1.0), torch.zeros(2, 1, 16, 16)
    assert swd(black, black) == 0
    assert swd(gray, black) > 0


def test_images_smaller_than_a_patch_are_refused() -> None:
    with pytest.raises(DataError, match="an image of 20 x 6 pixels is too small"):
        metric([torch.zeros(1, 3, 6, 20)], [])


def test_16_pixels_are_one_level_and_7_are_enough() -> None:
    assert metric([images(2, 7, 0)], [images(2, 16, 1)]).protocol()["levels"] == 1
