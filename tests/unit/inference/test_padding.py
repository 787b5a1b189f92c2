from __future__ import annotations

import numpy as np
import pytest
import torch

from gantrans.api.generator import Generator
from gantrans.inference.padding import run_padded


class _Recorder(Generator):
    """Gives what it gets, and keeps it."""

    def __init__(self, multiple_of: int, min_size: int) -> None:
        super().__init__(None, in_channels=1, out_channels=1)
        self.multiple_of, self.min_size = multiple_of, min_size

    def forward(self, x):
        self.seen = x
        return x


@pytest.mark.parametrize(
    ("size", "multiple_of", "min_size", "padded"),
    [
        ((64, 64), 4, 8, (64, 64)),
        ((33, 64), 4, 8, (36, 64)),
        ((5, 7), 4, 8, (8, 8)),
        ((1, 1), 4, 8, (8, 8)),
        ((1, 57), 4, 8, (8, 60)),
        ((9, 9), 4, 10, (12, 12)),
        ((9, 9), 4, 13, (16, 16)),
        ((3, 5), 1, 1, (3, 5)),
    ],
)
def test_the_generator_sees_the_least_size_that_fits_and_the_result_has_the_first(
    size, multiple_of, min_size, padded
):
    generator = _Recorder(multiple_of, min_size)
    x = torch.rand(2, 1, *size)
    assert torch.equal(run_padded(generator, x), x)
    assert generator.seen.shape == (2, 1, *padded)


def test_images_are_continued_by_reflection():
    x = torch.rand(1, 1, 5, 6)
    generator = _Recorder(4, 1)
    run_padded(generator, x)
    expected = np.pad(x.numpy(), ((0, 0), (0, 0), (0, 3), (0, 2)), mode="reflect")
    assert np.array_equal(generator.seen.numpy(), expected)


def test_an_axis_that_is_too_short_to_reflect_repeats_its_last_pixels():
    x = torch.rand(1, 1, 2, 6)
    generator = _Recorder(8, 1)
    run_padded(generator, x)
    expected = np.pad(x.numpy(), ((0, 0), (0, 0), (0, 0), (0, 2)), mode="reflect")
    expected = np.pad(expected, ((0, 0), (0, 0), (0, 6), (0, 0)), mode="edge")
    assert np.array_equal(generator.seen.numpy(), expected)


def test_a_size_that_fits_is_given_as_it_is(make_generator):
    generator = make_generator()
    x = torch.rand(1, 3, 64, 36) * 2 - 1
    with torch.inference_mode():
        assert torch.equal(run_padded(generator, x), generator(x))
