"""Sample pictures over training time, cut out of the grids and kept within a budget of bytes."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image, features

from gantrans.api.image import open_lazily
from gantrans.errors import FileError
from gantrans.io.received import open_regular
from gantrans.report.layout import LAYOUT, Box, Placed, placed
from gantrans.report.record import Record

MOST_MOMENTS, MOST_ROWS = 16, 8
FORMAT = "WEBP" if features.check("webp") else "JPEG"


@dataclass(frozen=True)
class Level:
    """How much is spent on pictures: moments, images of a direction, pixels of a side, quality."""

    moments: int
    rows: int
    side: int
    quality: int


LEVELS = (
    Level(MOST_MOMENTS, MOST_ROWS, 256, 82),
    Level(MOST_MOMENTS, 6, 256, 75),
    Level(12, 4, 256, 70),
    Level(10, 4, 192, 65),
    Level(8, 3, 160, 60),
    Level(5, 2, 128, 50),
    Level(3, 1, 96, 40),
    Level(2, 1, 48, 30),
)


@dataclass
class Tile:
    """One place of the grid, over time: data URLs, "" where a moment has none."""

    label: str
    at: list[str] = field(default_factory=list)


@dataclass
class Row:
    """One image of a direction: itself, its translation, and the way back if there is one.

    `key` is equal where two runs show the same image.
    """

    before: str
    key: str
    after: Tile
    back: Tile | None = None


@dataclass
class Samples:
    """The pictures of a run.

    Args:
        steps: of the moments.
        directions: by heading ("summer -> winter"), the rows.
        sheets: whole pictures, by heading: what has no rows to cut.
        damaged: how many pictures could not be read.
        thinned: how many moments there are that are not shown.
    """

    steps: list[int] = field(default_factory=list)
    directions: dict[str, list[Row]] = field(default_factory=dict)
    sheets: list[Tile] = field(default_factory=list)
    damaged: int = 0
    thinned: int = 0


def thin(steps: Sequence[int], most: int, keep: int | None) -> list[int]:
    """At most so many, evenly spread: the first, the last, and the nearest to `keep`.

    Of two, the last is kept rather than `keep`.
    """
    if len(steps) <= most:
        return list(steps)
    chosen = {steps[round(n * (len(steps) - 1) / (most - 1))] for n in range(most)}
    if keep is not None:
        nearest = min(steps, key=lambda step: abs(step - keep))
        inner = sorted(chosen - {steps[0], steps[-1]}, key=lambda step: abs(step - nearest))
        if nearest not in chosen and inner:
            chosen.remove(inner[0])
            chosen.add(nearest)
    return sorted(chosen)


def read_samples(record: Record, budget: int) -> Samples:
    """The pictures of a run in at most `budget` bytes of data URLs, as good as they can be."""
    found = Samples()
    for level in LEVELS:
        steps = thin(list(record.samples), level.moments, record.best_step)
        if level is not LEVELS[-1] and _guess(record, steps, level) > budget:
            continue
        found = _read(record, steps, level)
        if _size(found) <= budget:
            break
    return found


def _guess(record: Record, steps: Sequence[int], level: Level) -> int:
    """The size if all moments are like the last."""
    return _size(_read(record, steps[-1:], level)) * len(steps)


def _size(found: Samples) -> int:
    rows = [row for rows in found.directions.values() for row in rows]
    tiles = [tile for row in rows for tile in (row.after, row.back) if tile] + found.sheets
    return sum(len(row.before) for row in rows) + sum(len(url) for t in tiles for url in t.at)


def _read(record: Record, steps: Sequence[int], level: Level) -> Samples:
    """Newest first, since its layout is the one that the others are read by."""
    found = Samples(thinned=len(record.samples) - len(steps))
    by_place: dict[tuple[str, int], Row] = {}
    sheets: dict[str, Tile] = {}
    for step in reversed(steps):
        try:
            picture, blocks = _opened(record.samples[step], record.path)
        except (OSError, FileError, ValueError, SyntaxError, Image.DecompressionBombError):
            found.damaged += 1
            continue
        new = len(found.steps)
        found.steps.append(step)
        for block in blocks:
            heading = block.heading
            if len(block.columns) < 2:
                whole = _cut(picture, _around(block.rows), level.side * 3, level.quality)
                _put(sheets.setdefault(heading, Tile(heading)), whole, new)
                continue
            for number, boxes in enumerate(block.rows[: level.rows]):
                _add(by_place, (heading, number), block.columns, boxes, picture, level, new)
        if not blocks:
            whole = _scaled(picture, level.side * 4, level.quality)
            _put(sheets.setdefault("samples", Tile("samples")), whole, new)
    for (heading, _), row in by_place.items():
        found.directions.setdefault(heading, []).append(row)
    found.sheets = list(sheets.values())
    found.steps.reverse()
    for tile in _tiles(found):
        tile.at += [""] * (len(found.steps) - len(tile.at))
        tile.at.reverse()
    return found


def _tiles(found: Samples) -> Iterator[Tile]:
    yield from found.sheets
    for rows in found.directions.values():
        for row in rows:
            yield row.after
            if row.back:
                yield row.back


def _add(
    rows: dict[tuple[str, int], Row],
    place: tuple[str, int],
    labels: Sequence[str],
    boxes: Sequence[Box],
    picture: Image.Image,
    level: Level,
    moment: int,
) -> None:
    cut = [_cut(picture, box, level.side, level.quality) for box in boxes[:3]]
    if place not in rows:
        back = Tile(labels[2]) if len(boxes) > 2 and len(labels) > 2 else None
        x, y, w, h = boxes[0]
        small = picture.crop((x, y, x + w, y + h)).resize((16, 16)).convert("L")
        rows[place] = Row(cut[0], small.tobytes().hex(), Tile(labels[1]), back)
    row = rows[place]
    _put(row.after, cut[1] if len(cut) > 1 else "", moment)
    if row.back:
        _put(row.back, cut[2] if len(cut) > 2 else "", moment)


def _put(tile: Tile, url: str, moment: int) -> None:
    tile.at += [""] * (moment - len(tile.at))
    tile.at.append(url)


def _opened(path: Path, run: Path) -> tuple[Image.Image, list[Placed]]:
    """A grid and its blocks; none of a PNG that does not say where they are."""
    with open_regular(path, within=run) as file, open_lazily(file) as opened:
        opened.load()
        return opened.convert("RGB"), placed(opened.info.get(LAYOUT), opened.size)


def _around(rows: Sequence[Sequence[Box]]) -> Box:
    boxes = [box for row in rows for box in row]
    left, top = min(box[0] for box in boxes), min(box[1] for box in boxes)
    right, bottom = max(box[0] + box[2] for box in boxes), max(box[1] + box[3] for box in boxes)
    return left, top, right - left, bottom - top


def _cut(picture: Image.Image, box: Box, side: int, quality: int) -> str:
    x, y, width, height = box
    return _scaled(picture.crop((x, y, x + width, y + height)), side, quality)


def _scaled(picture: Image.Image, side: int, quality: int) -> str:
    """A data URL of a picture, made smaller if it is larger than `side`."""
    if max(picture.size) > side:
        picture.thumbnail((side, side), Image.Resampling.LANCZOS)
    return data_url(picture, quality)


def data_url(picture: Image.Image, quality: int) -> str:
    """A picture as text for an `<img>`."""
    stream = io.BytesIO()
    more = {"method": 2} if FORMAT == "WEBP" else {"subsampling": 0}
    picture.save(stream, format=FORMAT, quality=quality, **more)
    return f"data:image/{FORMAT.lower()};base64,{base64.b64encode(stream.getvalue()).decode()}"
