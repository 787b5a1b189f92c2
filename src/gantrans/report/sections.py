"""What the report says of each run beside its pictures and curves, ready for the template."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from gantrans.api.baseline import LABELS
from gantrans.api.image import open_lazily
from gantrans.errors import FileError, MissingFileError
from gantrans.io.received import open_regular
from gantrans.report.charts import best_of
from gantrans.report.commands import commands
from gantrans.report.moments import data_url
from gantrans.report.record import Record, items, table
from gantrans.report.settings import changes
from gantrans.report.values import short, span
from gantrans.report.verdict import Verdict

BATCH_SIDE = 960
MOST_FINDINGS, MOST_FILES, MOST_LINES = 60, 8, 200


def about(record: Record, said: Verdict) -> dict[str, Any]:
    """What the page says of one run beside pictures and curves."""
    state, resolved = record.state, record.resolved
    length = max(state.step, 1)
    periods = record.health.periods if record.health else ()
    return {
        "name": record.name,
        "path": str(record.path),
        "verdict": said,
        "standing": _standing(record),
        "missing": record.missing,
        "health": record.health,
        "periods": [
            {
                "period": period,
                "until": period.until,
                "left": 100 * min(period.since, length) / length,
                "width": 100 * max(0, (period.until or length) - period.since) / length,
            }
            for period in periods
        ],
        "length": length,
        "findings": _findings(record),
        "batch": _batch(record),
        "spec_text": record.spec_text or json.dumps(record.spec, indent=1, ensure_ascii=False),
        "as_given": bool(record.spec_text),
        "overridden": [str(key) for key in items(resolved.get("overridden"))],
        "changes": changes(record),
        "environment": _environment(record),
        "commands": commands(record),
        "log": [line[:2000] for line in record.log[-MOST_LINES:]],
    }


def _standing(record: Record) -> str:
    """finished, 700 of 700 steps, 1 h 27 min"""
    state = record.state
    how: str = state.ending
    if how == "running":
        how = f"running (last sign of life {span(state.age or 0)} ago"
        how += f", a line usually each {span(state.usual)})" if state.usual else ")"
    elif how == "silent":
        how = f"no sign of life for {span(state.age or 0)}; it may still run"
    elif how == "interrupted" and not state.why:
        how = f"not finished; last sign of life {span(state.age or 0)} ago"
    steps = f"{state.step} of {state.steps} steps" if state.steps else f"{state.step} steps"
    time_said = f", {span(state.seconds)} of training" if state.seconds else ""
    why = f". {state.why[:1].upper()}{state.why[1:]}" if state.why else ""
    return f"{how}, {steps}{time_said}{why}"


def score_table(records: Sequence[Record]) -> list[dict[str, Any]]:
    """For each direction a row for each metric, with the values of all runs."""
    found: dict[str, dict[str, None]] = {}
    for record in records:
        for direction, metrics in record.scores.items():
            found.setdefault(direction, {}).update(dict.fromkeys(metrics))
    return [
        {
            "direction": direction.replace("->", " to "),
            "rows": [_score(records, direction, name) for name in metrics],
        }
        for direction, metrics in found.items()
    ]


def _score(records: Sequence[Record], direction: str, name: str) -> dict[str, Any]:
    measure = next((m for record in records if (m := record.measures.of(name))), None)
    scores = [record.scores.get(direction, {}).get(name) for record in records]
    there = [score for score in scores if score]
    known = {b: value for score in reversed(there) for b, value in score.baselines.items()}
    unit = f" {measure.unit}" if measure and measure.unit else ""
    curves = [record.curves.by_name.get(f"metrics/{name}/{direction}") for record in records]
    bests = [best_of(curve, measure) for curve in curves]
    values = [score.value for score in there if math.isfinite(score.value)]
    first = None  # best by a metric that copying wins, such as cycle, says nothing
    if measure and known and len(values) > 1 and len(set(values)) > 1:
        first = max(values) if measure.higher_is_better else min(values)
    return {
        "metric": name,
        "baselines": [short(known[b]) + unit if b in known else "-" for b in LABELS],
        "better": "" if not measure else "more" if measure.higher_is_better else "less",
        "runs": [
            {
                "end": short(score.value) + unit if score else "-",
                "first": first is not None and score is not None and score.value == first,
                "best": f"best {short(best.value)} at step {best.step}" if best else "",
            }
            for score, best in zip(scores, bests, strict=True)
        ],
    }


def _environment(record: Record) -> list[tuple[str, str]]:
    resolved = record.resolved
    plugins = [table(plugin) for plugin in items(resolved.get("plugins"))]
    named = {str(p.get("name")): str(p.get("version") or p.get("sha256", ""))[:12] for p in plugins}
    rows = [
        ("gantrans", resolved.get("gantrans")),
        ("Python", resolved.get("python")),
        ("packages", _words(table(resolved.get("packages")))),
        ("plugins", _words(named)),
        ("machine", resolved.get("machine")),
        ("device", resolved.get("device")),
        ("seed", record.spec.get("seed")),
        ("run directory", record.path),
    ]
    return [(name, str(value)) for name, value in rows if value not in (None, "")]


def _words(mapping: Mapping[str, Any]) -> str:
    """torch 2.8, pillow 11"""
    return ", ".join(f"{name} {value}" for name, value in mapping.items())


def _findings(record: Record) -> list[dict[str, Any]] | None:
    """What the look at the data found; None where nothing looked."""
    if record.data is None:
        return None
    found = items(record.data.get("findings"))
    return [
        {
            "severity": str(finding.get("severity", "note")),
            "text": str(finding.get("text", ""))[:2000],
            "files": [str(file) for file in items(finding.get("files"))][:MOST_FILES],
        }
        for finding in found[:MOST_FINDINGS]
        if isinstance(finding, dict)
    ]


def _batch(record: Record) -> str | None:
    """What training saw, as a data URL."""
    path: Path = record.path / "batch.png"
    try:
        with open_regular(path, within=record.path) as file, open_lazily(file) as opened:
            picture = opened.convert("RGB")
    except MissingFileError:
        return None
    except (OSError, FileError, ValueError, SyntaxError, Image.DecompressionBombError):
        record.missing.append("batch.png is damaged.")
        return None
    picture.thumbnail((BATCH_SIDE, BATCH_SIDE))
    return data_url(picture, 70)
