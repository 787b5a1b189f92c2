from __future__ import annotations

import pytest
import torch

from gantrans.api.generator import Generator
from gantrans.errors import GantransError
from gantrans.inference.export.parity import compare, sizes_for


class _Named(Generator):
    name = "named"

    def __init__(self, multiple_of: int = 4, min_size: int = 8) -> None:
        super().__init__(None, in_channels=3, out_channels=3)
        self.multiple_of, self.min_size = multiple_of, min_size


@pytest.mark.parametrize(
    ("multiple_of", "min_size"), [(1, 1), (4, 8), (4, 1), (3, 5), (256, 256), (16, 32), (7, 100)]
)
def test_sizes_need_no_padding_some_and_more_and_odd_ones_are_among_them(multiple_of, min_size):
    whole, large, small = sizes_for(_Named(multiple_of, min_size))
    assert whole.images == 2
    assert not any(side % multiple_of or side < min_size for side in whole[1:])
    assert large.height % 2 == small.height % 2 == 1
    assert min(large[1:]) > min_size
    assert small.height <= max(min_size, 1)
    if multiple_of > 1:
        assert large.height % multiple_of or large.width % multiple_of
    if min_size > 3:
        assert small.height < min_size


def test_the_largest_difference_of_all_sizes_is_given():
    def exported(x):
        return torch.where(torch.arange(x.shape[3]) == 0, x + x.shape[2] * 1e-6, x)

    found = compare(exported, lambda x: x, _Named())

    assert found.sizes == sizes_for(_Named())
    tallest = max(size.height for size in found.sizes)
    assert found.difference == pytest.approx(tallest * 1e-6, abs=2e-7)


def test_values_are_of_the_whole_range():
    seen = []
    compare(lambda x: x, lambda x: seen.append(x) or x, _Named())
    values = torch.cat([x.flatten() for x in seen])
    assert values.min() < -0.99
    assert values.max() > 0.99


@pytest.mark.parametrize(
    ("exported", "said"),
    [
        (lambda x: x + 1.1e-3, "2 images of 64 x 64 the largest difference is 0.0011"),
        (lambda x: x.masked_fill(x > 0.99, torch.nan), "largest difference is nan"),
        (lambda x: x if x.shape[2] == 64 else x + 0.5, r"1 image of 65 x 97 the .* is 0\.5"),
        (lambda x: x[..., 1:], "makes (2, 3, 64, 63) of 2 images of 64 x 64"),
        (lambda x: x.view(7), "cannot run on 2 images of 64 x 64: shape"),
    ],
)
def test_what_differs_or_does_not_run_is_refused(exported, said):
    match = said if r"\." in said else said.replace("(", r"\(").replace(")", r"\)")
    with pytest.raises(GantransError, match=match) as refusal:
        compare(exported, lambda x: x, _Named())
    assert "'named'" in str(refusal.value)


def test_a_difference_that_no_one_sees_is_none():
    assert compare(lambda x: x + 9e-4, lambda x: x, _Named()).difference < 1e-3
