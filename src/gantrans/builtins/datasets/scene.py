"""The layout of a landscape of the data set `seasons`: everything but the season.

Positions and lengths are fractions of the picture (x to the right, y downwards), so one scene
can be painted at any size. `landscape.py` paints it.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

Point = tuple[float, float]
Disc = tuple[float, float, float]  # x, y, radius

STEPS = 7  # points along the flank of a mountain


@dataclass(frozen=True, slots=True)
class Peak:
    """A mountain: its top, its extent, and how its edges wobble (in half widths)."""

    x: float
    top: float
    foot: float
    half_width: float
    wobble: tuple[tuple[float, ...], ...]  # for the left edge, the middle and the right edge
    teeth: tuple[float, ...]  # of the lower edge of the snow, in half widths
    ribs: tuple[tuple[float, float, float], ...]  # bare rock: sideways, start, end

    def edges(self) -> list[list[Point]]:
        """The left edge, the ridge that comes down in the middle, and the right edge."""
        height, shares = self.foot - self.top, [i / (STEPS - 1) for i in range(STEPS)]
        return [
            [
                (self.x + self.half_width * (slope * share + wobble), self.top + height * share)
                for share, wobble in zip(shares, row, strict=True)
            ]
            for slope, row in zip((-1, 0, 1), self.wobble, strict=True)
        ]

    def face(self, a: list[Point], b: list[Point], depth: float) -> list[Point]:
        """The outline between the edges `a` and `b`, from the top down to `depth` (0 to 1)."""
        a, b = _cut(a, depth), _cut(b, depth)
        if depth >= 1:
            return [*a, *reversed(b)]
        (ax, ay), (bx, by) = a[-1], b[-1]
        shares = ((i + 1) / (len(self.teeth) + 1) for i in range(len(self.teeth)))
        jagged = (
            (ax + (bx - ax) * share, ay + (by - ay) * share + tooth * self.half_width)
            for share, tooth in zip(shares, self.teeth, strict=True)
        )
        return [*a, *jagged, *reversed(b)]


@dataclass(frozen=True, slots=True)
class Wave:
    """A hill line: a height and three sines (amplitude, frequency, phase)."""

    base: float
    sines: tuple[tuple[float, float, float], ...]

    def y(self, x: float) -> float:
        """Height of the line at `x`, both as fractions of the picture."""
        return self.base + sum(a * math.sin(math.tau * f * x + p) for a, f, p in self.sines)


@dataclass(frozen=True, slots=True)
class Tree:
    """A tree: a spruce if it has no blobs; else each blob (x, y, radius) is a part of a crown."""

    x: float
    y: float
    height: float
    blobs: tuple[Disc, ...]


@dataclass(frozen=True, slots=True)
class Scene:
    """The layout of a landscape, the same in both seasons. Compare scenes with `==`."""

    horizon: float
    warmth: float  # 0: noon, 1: towards evening; seen in the sky of both seasons
    haze: float  # 0: a clear sky, 1: an overcast one
    sun: Disc
    puffs: tuple[Disc, ...]  # of the clouds
    peaks: tuple[Peak, ...]
    hills: tuple[Wave, ...]  # from far to near; the last one is the foreground
    forest: tuple[tuple[float, float], ...]  # trees on the farthest hill: x, height
    lake: tuple[Point, ...]  # its outline
    ripples: tuple[Disc, ...]
    patches: tuple[Disc, ...]  # darker ground
    cabin: Point
    trees: tuple[Tree, ...]  # from far to near

    @classmethod
    def draw_from(cls, rng: random.Random) -> Scene:
        """Invent a scene. The same state of `rng` gives the same scene on every platform."""
        u = rng.uniform
        horizon = u(0.24, 0.74)
        depth = 1 - horizon  # of the land; what stands on it keeps its place in it
        near = horizon + depth * u(0.66, 0.84)
        hills = (
            _wave(rng, horizon - 0.03, u(0.01, 0.05)),
            _wave(rng, horizon + 0.1 * depth, u(0.01, 0.03)),
            _wave(rng, near, u(0.02, 0.06)),
        )
        side = rng.choice((-1, 1))  # where the lake lies; the cabin stands on the other side
        tall = u(0.02, 0.15)  # the forest
        far = rng.randint(2, 6)
        trees = [
            _tree(rng, (i + u(0, 1)) / far, horizon + depth * u(0.15, 0.25)) for i in range(far)
        ]
        count = rng.randint(1, 6)
        for i in range(count):  # each in its own strip, lest they hide each other
            x = (i + u(0.1, 0.9)) / count
            trees.append(_tree(rng, x, hills[-1].y(x) + u(0.0, 0.09)))
        lake = _lake(rng, 0.5 + side * u(0.05, 0.4), horizon + depth * u(0.36, 0.48), depth)
        return cls(
            horizon=horizon,
            warmth=u(0.0, 1.0),
            haze=u(0.0, 1.0),
            sun=(u(0.08, 0.92), horizon * u(0.15, 0.6), u(0.035, 0.06)),
            puffs=tuple(p for _ in range(rng.randint(1, 4)) for p in _cloud(rng, horizon)),
            peaks=tuple(sorted((_peak(rng, i, horizon) for i in range(4)), key=lambda p: p.top)),
            hills=hills,
            forest=tuple((i / 34 + u(-0.01, 0.01), tall * u(0.5, 1.0)) for i in range(35)),
            lake=lake,
            ripples=tuple(_ripple(rng, lake) for _ in range(8)),
            patches=tuple(
                (u(0, 1), horizon + depth * u(0.2, 0.96), u(0.08, 0.2)) for _ in range(7)
            ),
            cabin=(0.5 - side * u(0.27, 0.38), horizon + depth * u(0.30, 0.40)),
            trees=tuple(sorted(trees, key=lambda tree: tree.y)),
        )


def _wave(rng: random.Random, base: float, height: float) -> Wave:
    sines = ((1.0, 0.6), (0.5, 1.4), (0.2, 3.7))
    return Wave(
        base,
        tuple((height * a, f * rng.uniform(0.8, 1.2), rng.uniform(0, math.tau)) for a, f in sines),
    )


def _peak(rng: random.Random, index: int, horizon: float) -> Peak:
    def row(size: float) -> tuple[float, ...]:
        return (0.0, *(rng.uniform(-size, size) for _ in range(STEPS - 1)))

    height = rng.uniform(0.10, 0.36) * min(1.0, 1.8 * horizon)
    return Peak(
        x=(index + rng.uniform(0.1, 0.9)) / 4,
        top=horizon - height,
        foot=horizon + 0.03,
        half_width=height * rng.uniform(0.75, 1.05),
        wobble=(row(0.05), row(0.13), row(0.05)),
        teeth=tuple(rng.uniform(-0.04, 0.16) * (-1) ** i for i in range(8)),
        ribs=tuple(
            (rng.uniform(-0.8, 0.8), t, t + rng.uniform(0.1, 0.25))
            for t in (rng.uniform(0.25, 0.8) for _ in range(7))
        ),
    )


def _cloud(rng: random.Random, horizon: float) -> list[Disc]:
    x, y, size = rng.uniform(0, 1), horizon * rng.uniform(0.1, 0.6), rng.uniform(0.05, 0.1)
    offsets = (-1.7, -0.9, -0.1, 0.7, 1.5)
    return [
        (x + size * o, y - size * rng.uniform(0, 0.5), size * (1.5 - 0.35 * abs(o)))
        for o in offsets
    ]


def _lake(rng: random.Random, x: float, y: float, depth: float) -> tuple[Point, ...]:
    width, height = rng.uniform(0.15, 0.6), depth * rng.uniform(0.12, 0.24)
    p, q = rng.uniform(0, math.tau), rng.uniform(0, math.tau)
    outline = []
    for i in range(48):
        angle = math.tau * i / 48
        r = 1 + 0.10 * math.sin(2 * angle + p) + 0.06 * math.sin(3 * angle + q)
        outline.append((x + width * r * math.cos(angle), y + height * r * math.sin(angle)))
    return tuple(outline)


def _ripple(rng: random.Random, lake: tuple[Point, ...]) -> Disc:
    """A place on the line between two opposite shores."""
    i = rng.randrange(24)
    (ax, ay), (bx, by) = lake[i], lake[i + 24]
    s = rng.uniform(0.25, 0.75)
    return (ax + (bx - ax) * s, ay + (by - ay) * s, rng.uniform(0.04, 0.12))


def _tree(rng: random.Random, x: float, y: float) -> Tree:
    height = (0.06 + 0.42 * max(0.0, y - 0.58)) * rng.uniform(0.7, 1.6)
    kind = rng.choice(("spruce", "spruce", "round", "poplar"))
    if kind == "spruce":
        return Tree(x, y, height * 1.3, ())
    wide, centres = (
        (0.30, ((-0.22, 0.52), (0.22, 0.55), (-0.12, 0.75), (0.14, 0.78), (0.0, 0.6)))
        if kind == "round"
        else (0.19, ((0.0, 0.42), (0.03, 0.56), (-0.03, 0.70), (0.02, 0.83), (0.0, 0.95)))
    )
    blobs = ((cx, cy, wide * rng.uniform(0.8, 1.0)) for cx, cy in centres)
    return Tree(x, y, height * 1.1, tuple(blobs))


def _cut(edge: list[Point], depth: float) -> list[Point]:
    """The upper part of an edge, down to `depth` (0 to 1) of its height."""
    end = depth * (len(edge) - 1)
    whole = min(int(end), len(edge) - 2)
    (x0, y0), (x1, y1), rest = edge[whole], edge[whole + 1], end - whole
    return [*edge[: whole + 1], (x0 + (x1 - x0) * rest, y0 + (y1 - y0) * rest)]
