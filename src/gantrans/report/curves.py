"""Curves of a run, read as a stream and kept at a bounded length."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from gantrans.io.received import open_regular, parse_json
from gantrans.report.values import count, finite

LONGEST_LINE = 1 << 20  # bytes; what is longer is no line of numbers
MOST_CURVES = 400
MOST_POINTS = 800
ALL_POINTS = 24_000


class Point(NamedTuple):
    """The mean of `values` values, the last of them at `step`."""

    step: int
    mean: float
    values: int


class Extreme(NamedTuple):
    """A value and the step that it is of."""

    step: int
    value: float


@dataclass
class Curve:
    """One curve: at most `most` points, each a mean of as many values, and its exact extremes."""

    most: int = MOST_POINTS
    points: list[Point] = field(default_factory=list)
    width: int = 1
    count: int = 0
    first: Extreme | None = None
    last: Extreme | None = None
    least: Extreme | None = None
    greatest: Extreme | None = None
    _low: float = math.inf
    _high: float = -math.inf

    def add(self, step: int, value: float) -> None:
        """A further value. Those of steps that are not before `step` were done again, and go."""
        points = self.points
        while points and points[-1][0] >= step:
            points.pop()
        if points and points[-1][2] < self.width:
            _, mean, count = points[-1]
            points[-1] = Point(step, mean + (value - mean) / (count + 1), count + 1)
        else:
            points.append(Point(step, value, 1))
            if len(points) > self.most:
                self.halve()
        self.count += 1
        self.last = Extreme(step, value)
        self.first = self.first or self.last
        if value < self._low:
            self._low, self.least = value, self.last
        if value > self._high:
            self._high, self.greatest = value, self.last

    def near(self, step: int) -> float | None:
        """The value at a step, or the mean that it went into; None if there was none."""
        later = next((point for point in self.points if point.step >= step), None)
        return later.mean if later and (later.step == step or self.width > 1) else None

    def halve(self) -> None:
        """Join each two neighbouring points."""
        joined = []
        for one, two in zip(self.points[::2], self.points[1::2], strict=False):
            count = one.values + two.values
            mean = one.mean + (two.mean - one.mean) * two.values / count
            joined.append(Point(two.step, mean, count))
        if len(self.points) % 2:
            joined.append(self.points[-1])
        self.points, self.width = joined, self.width * 2


@dataclass
class Curves:
    """What metrics.jsonl says.

    Args:
        by_name: the curves.
        steps: the last step that it speaks of.
        lines: how many lines could be read.
        damaged: how many could not.
        dropped: how many curves were too many.
    """

    by_name: dict[str, Curve] = field(default_factory=dict)
    steps: int = 0
    lines: int = 0
    damaged: int = 0
    dropped: set[str] = field(default_factory=set)

    def thin(self, points: int) -> None:
        """Until all curves together have no more than so many points."""
        while sum(len(curve.points) for curve in self.by_name.values()) > points:
            longest = max(len(curve.points) for curve in self.by_name.values())
            for curve in self.by_name.values():
                if len(curve.points) > longest // 2:
                    curve.halve()


def read_curves(path: Path) -> Curves:
    """The curves in a run's metrics.jsonl. Raises FileError."""
    found = Curves()
    for line in _lines(path):
        record = _record(line)
        if record is None:
            found.damaged += 1
            continue
        found.lines += 1
        step = found.steps = record.pop("step")
        for name, value in record.items():
            value = finite(value)
            if value is None:
                continue
            if name not in found.by_name:
                if len(found.by_name) >= MOST_CURVES:
                    if len(found.dropped) < MOST_CURVES:
                        found.dropped.add(name)
                    continue
                found.by_name[name] = Curve()
            found.by_name[name].add(step, value)
    found.thin(ALL_POINTS)
    return found


def read_events(path: Path) -> Iterator[Mapping[str, Any] | None]:
    """The lines of any other .jsonl whose objects have a step; None for a damaged one."""
    return map(_record, _lines(path))


def _record(line: bytes) -> dict[str, Any] | None:
    try:
        record = parse_json(line)
    except ValueError:  # also of text that is no UTF-8
        return None
    if not isinstance(record, dict) or count(record.get("step")) is None:
        return None
    return record


def _lines(path: Path) -> Iterator[bytes]:
    """The lines that are not empty; of one that is too long, its beginning.

    Not by `api.journal.entries`, which trusts the length of a line and passes over damaged ones.
    """
    with open_regular(path, within=path.parent) as stream:
        while line := stream.readline(LONGEST_LINE):
            rest = line
            while len(rest) == LONGEST_LINE and not rest.endswith(b"\n"):
                rest = stream.readline(LONGEST_LINE)
            if line.strip():
                yield line
