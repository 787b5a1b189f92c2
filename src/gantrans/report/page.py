"""The report as one HTML file: what it shows, handed to the template."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from importlib.metadata import version
from importlib.resources import files
from typing import Any

from markupsafe import Markup

from gantrans.api.baseline import LABELS
from gantrans.page import templates
from gantrans.report.charts import GROUPS, Chart, charts_of
from gantrans.report.curves import ALL_POINTS
from gantrans.report.moments import Samples, Tile, read_samples
from gantrans.report.record import Record
from gantrans.report.sections import about, score_table
from gantrans.report.settings import differences
from gantrans.report.verdict import Verdict

PICTURES = 2_600_000
"""Bytes of data URLs that the samples of all runs may take; with curves, text and scripts, the
report stays below about 4 MB."""


def html(records: Sequence[Record], verdicts: Sequence[Verdict]) -> str:
    """The whole page.

    Args:
        records: of the runs; their curves are thinned if there are several.
        verdicts: on each of them.
    """
    for record in records:
        record.curves.thin(ALL_POINTS // len(records))
    samples = [read_samples(record, PICTURES // len(records)) for record in records]
    for record, pictures in zip(records, samples, strict=True):
        _say_missing(record, pictures)
    charts = charts_of(records)
    album = Album()
    directions = _directions(records, samples, album)
    sheets = _sheets(records, samples, album)
    data = {
        "runs": [
            {"name": record.name, "moments": pictures.steps, "best": record.best_step}
            for record, pictures in zip(records, samples, strict=True)
        ],
        "tiles": album.tiles,
        "charts": [[series.as_json() for series in chart.series] for chart in charts],
    }
    environment = templates("gantrans.report")
    text: str = environment.get_template("report.html").render(
        title=", ".join(record.name for record in records),
        version=version("gantrans"),
        made=time.strftime("%Y-%m-%d %H:%M"),
        runs=[about(record, said) for record, said in zip(records, verdicts, strict=True)],
        several=len(records) > 1,
        directions=directions,
        sheets=sheets,
        moments=max((len(pictures.steps) for pictures in samples), default=0),
        groups=_groups(charts),
        differences=differences(records) if len(records) > 1 else [],
        scores=score_table(records),
        baselines=list(LABELS.values()),
        data=_json(data),
        style=_own("report.css"),
        script=_own("report.js"),
        dot=_dot,
    )
    return text


class Album:
    """The pictures that change over time: the last moment stands in the page, the others here."""

    def __init__(self) -> None:
        self.tiles: list[list[str | None]] = []

    def add(self, tile: Tile | None) -> dict[str, Any] | None:
        """A tile for the template; in `tiles`, None stands for the picture that the page shows."""
        if tile is None or not any(tile.at):
            return None
        shown = next(url for url in reversed(tile.at) if url)
        self.tiles.append([None if url == shown else url for url in tile.at])
        return {"number": len(self.tiles) - 1, "label": tile.label, "url": shown}


def _directions(
    records: Sequence[Record], samples: Sequence[Samples], album: Album
) -> list[dict[str, Any]]:
    """For each direction its images, each with a cell for each run that has it."""
    headings = list(dict.fromkeys(name for one in samples for name in one.directions))
    found = []
    for heading in headings:
        rows = [one.directions.get(heading, []) for one in samples]
        images = []
        for number in range(max(map(len, rows))):
            cells, keys = [], set()
            for run, row in enumerate(rows):
                if number < len(row):
                    keys.add(row[number].key)
                    cell = {
                        "run": run,
                        "name": records[run].name,
                        "before": row[number].before,
                        "after": album.add(row[number].after),
                        "back": album.add(row[number].back),
                    }
                    cells.append(cell)
            images.append({"cells": cells, "differ": len(keys) > 1})
        target = next(row.after.label for one in rows for row in one)
        source = heading.partition(" -> ")[0]
        found.append({"heading": heading, "source": source, "target": target, "images": images})
    return found


def _sheets(
    records: Sequence[Record], samples: Sequence[Samples], album: Album
) -> list[dict[str, Any]]:
    return [
        {"run": run, "name": records[run].name, "tile": album.add(tile)}
        for run, one in enumerate(samples)
        for tile in one.sheets
    ]


def _say_missing(record: Record, pictures: Samples) -> None:
    if pictures.damaged:
        record.missing.append(f"Samples: {pictures.damaged} pictures could not be read.")
    if pictures.thinned > 0:
        count = len(pictures.steps) + pictures.damaged
        record.missing.append(
            f"Samples: {count} of {count + pictures.thinned} moments are shown, spread evenly; "
            "the others are in samples/."
        )


def _groups(charts: Sequence[Chart]) -> list[dict[str, Any]]:
    numbered = list(enumerate(charts))
    return [
        {
            "name": name,
            "title": title,
            "open": name in ("metrics", "losses"),
            "charts": [(number, chart) for number, chart in numbered if chart.group == name],
        }
        for name, title in GROUPS.items()
        if any(chart.group == name for chart in charts)
    ]


def _json(data: Any) -> Markup:
    """JSON that no text in it can end the element it stands in."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)  # a script cannot read NaN
    return Markup(text.replace("<", "\\u003c"))


def _own(name: str) -> str:
    return (files("gantrans.report") / "templates" / name).read_text(encoding="utf-8")


def _dot(run: int) -> Markup:
    """The colour of a run."""
    return Markup('<span class="dot" style="background: var(--c{})"></span>').format(run % 8)
