from __future__ import annotations

import pytest
import torch

from gantrans.api.generator import Generator
from gantrans.inference.export.any_size import AnySize
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
    ("multiple_of", "min_size"), [(1, 1), (4, 1), (4, 8), (1, 9), (3, 10), (16, 16), (16, 20)]
)
def test_the_generator_sees_what_translation_shows_it_at_every_size(multiple_of, min_size):
    generator = _Recorder(multiple_of, min_size)
    exported = AnySize(generator)
    for side in range(1, 40):
        for size in ((side, 13), (13, side), (side, side)):
            x = torch.rand(2, 1, *size)
            assert torch.equal(run_padded(generator, x), x)
            wanted = generator.seen
            assert torch.equal(exported(x), x), size
            assert torch.equal(generator.seen, wanted), size
