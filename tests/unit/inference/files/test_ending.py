from __future__ import annotations

from fractions import Fraction
from types import SimpleNamespace

import pytest

from gantrans.inference.files.ending import Ending


class Streams(list):
    """As PyAV has them."""

    audio: tuple[None, ...] = ()
    video = (None,)


def read(times: list[int | None], *, duration: int | None = 10, more: int = 0) -> Ending:
    """Packets that each last a tenth of a second, at times in tenths; `duration` in seconds."""
    ending = Ending(
        SimpleNamespace(
            duration=None if duration is None else duration * 1_000_000,
            streams=Streams([None] * (1 + more)),
            format=SimpleNamespace(name="matroska,webm"),
        )
    )
    for time in times:
        ending.add(SimpleNamespace(pts=time, duration=1, time_base=Fraction(1, 10)))
    return ending


@pytest.mark.parametrize(
    ("times", "missing"),
    [
        (list(range(100)), False),
        (list(range(97)), False),  # the end is counted in several ways
        (list(range(50)), True),
        ([*range(50), None], True),  # the last packet of a stream is empty
        ([0, 20, 40, 60, 80], False),  # the last picture may stand as long as those before
        ([0, 20, 40, 60], True),
        ([50, *range(51, 70)], True),  # times may begin later; then the length counts from 0
        ([50, *range(51, 97)], False),
        ([2, 0, 1, *range(3, 100)], False),  # pictures come in the order of decoding
    ],
)
def test_an_end_is_missing_where_more_is_to_come_than_a_picture_stands(times, missing):
    assert read(times).is_missing == missing


def test_nothing_is_known_of_an_end_that_the_file_does_not_tell():
    assert not read([0], duration=None).is_missing
    assert not read([0], more=1).is_missing
