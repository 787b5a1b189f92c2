"""Curves: read as a stream, thinned, and honest about what could not be read."""

from __future__ import annotations

import json
import random
import tracemalloc
from pathlib import Path

import pytest

from drawn_run import write_lines
from gantrans.report.curves import ALL_POINTS, MOST_CURVES, MOST_POINTS, Curve, read_curves


def test_few_values_stay_as_they_are(tmp_path: Path) -> None:
    lines = [{"step": 20 * n, "loss": n * 0.5} for n in range(1, 50)]
    write_lines(tmp_path / "metrics.jsonl", lines)
    curve = read_curves(tmp_path / "metrics.jsonl").by_name["loss"]
    assert [(p.step, p.mean) for p in curve.points] == [(20 * n, n * 0.5) for n in range(1, 50)]


@pytest.mark.parametrize("count", [801, 1000, 5000, 12345])
def test_many_values_become_means_of_as_many_and_none_is_lost(count: int) -> None:
    draw = random.Random(count)
    values = [draw.uniform(-5, 5) for _ in range(count)]
    curve = Curve()
    for step, value in enumerate(values, start=1):
        curve.add(step, value)
    assert MOST_POINTS / 2 <= len(curve.points) <= MOST_POINTS
    assert sum(point.values for point in curve.points) == count
    start = 0
    for point in curve.points:  # each is the mean of the values that it says
        part = values[start : start + point.values]
        start += point.values
        assert point.mean == pytest.approx(sum(part) / len(part))
        assert point.step == start
    assert curve.count == count
    assert curve.first == (1, values[0]) and curve.last == (count, values[-1])
    assert curve.least == (values.index(min(values)) + 1, min(values))
    assert curve.greatest == (values.index(max(values)) + 1, max(values))


def test_damaged_lines_are_counted_and_the_others_read(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    good = json.dumps({"step": 1, "loss": 1.0}).encode()
    after = json.dumps({"step": 2, "loss": 2.0}).encode()
    bad = [
        b"{",
        b"\xff\xfe\x00",
        b'"text"',
        b'{"loss": 3}',
        b"[" * 100_000,
        b'{"step": 1' + b"0" * 400 + b"}",
        b'{"step": "3", "loss": 3}',
        b"[1]",
    ]
    long = b'{"step": 2, "x": "' + b"y" * (3 << 20) + b'"}'
    path.write_bytes(b"\n".join([good, *bad, long, b"", after, b'{"step": 3, "lo']))
    found = read_curves(path)
    assert (found.lines, found.damaged, found.steps) == (2, len(bad) + 2, 2)
    assert [point.mean for point in found.by_name["loss"].points] == [1.0, 2.0]


def test_what_is_no_number_is_no_point(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text(
        '{"step": 1, "x": NaN, "y": Infinity, "z": "text", "w": null, "v": 2, "b": true, '
        + f'"u": {10**400}}}\n'
    )
    found = read_curves(path)
    assert list(found.by_name) == ["v"] and found.damaged == 0


def test_steps_that_were_done_again_replace_the_earlier_ones() -> None:
    curve = Curve()
    for step, value in [(1, 1.0), (2, 2.0), (3, 3.0), (2, 20.0), (3, 30.0)]:
        curve.add(step, value)
    assert [(p.step, p.mean) for p in curve.points] == [(1, 1.0), (2, 20.0), (3, 30.0)]


def test_memory_does_not_grow_with_the_number_of_lines(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    line = {f"generators/loss{n}/summer": 0.123456789 for n in range(4)}

    def peak(lines: int) -> int:
        with path.open("w") as file:
            for step in range(1, lines + 1):
                file.write(json.dumps({"step": step, **line}) + "\n")
        tracemalloc.start()
        read_curves(path)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    assert peak(7000) < 1.2 * peak(1800)  # both beyond what is kept of a curve


def test_too_many_curves_are_dropped_and_all_together_are_bounded(tmp_path: Path) -> None:
    names = [f"curve{n}" for n in range(MOST_CURVES + 7)]
    write_lines(
        tmp_path / "metrics.jsonl",
        [{"step": step, **dict.fromkeys(names, 1.0)} for step in range(1, 120)],
    )
    found = read_curves(tmp_path / "metrics.jsonl")
    assert len(found.by_name) == MOST_CURVES and len(found.dropped) == 7
    assert sum(len(curve.points) for curve in found.by_name.values()) <= ALL_POINTS
