"""What the watch over training's health saw: health.jsonl as periods."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gantrans.report.curves import read_events
from gantrans.report.values import count

MOST = 300


@dataclass(frozen=True)
class Period:
    """A fault from one step to another.

    Args:
        fault: its name, such as "no_translation".
        title: in two or three words.
        where: a direction, a domain, a phase, or "".
        severity: "fault" or "warning".
        since: the first step.
        until: the last step; None while it lasts.
        seen: what is seen, with the number.
        means: what it usually means.
        advice: what to change.
    """

    fault: str
    title: str
    where: str
    severity: str
    since: int
    until: int | None
    seen: str
    means: str
    advice: str


@dataclass(frozen=True)
class Health:
    """What was seen.

    Args:
        periods: in the order of their beginning.
        judged: whether the run was long enough to judge anything.
        damaged: how many lines could not be read.
        left_out: how many periods were too many.
    """

    periods: tuple[Period, ...] = ()
    judged: bool = False
    damaged: int = 0
    left_out: int = 0

    def active(self, severity: str) -> list[Period]:
        """Those of that severity that have not ended, the gravest first."""
        found = [p for p in self.periods if p.until is None and p.severity == severity]
        return sorted(found, key=lambda p: _GRAVEST.index(p.fault) if p.fault in _GRAVEST else 99)


_GRAVEST = (
    "not_finite",
    "no_gradient",
    "no_translation",
    "inverted",
    "collapsed",
    "hidden_information",
)


def read_health(path: Path) -> Health:
    """The periods in a health.jsonl; the first ones, if there are too many. Raises FileError."""
    lasting: dict[tuple[str, str], Period] = {}
    ended: list[Period] = []
    damaged = left_out = 0
    judged = False
    for record in read_events(path):
        judged = judged or record is not None
        if record and record.get("state") == "judging":
            continue  # from here on, silence means that all is well
        if record and record.get("state") == "unwatched":  # until it is resumed
            judged = False
            ended += [replace(period, until=record["step"]) for period in lasting.values()]
            lasting.clear()
            continue
        period = _period(record)
        if record is None or period is None:
            damaged += 1
            continue
        place = (period.fault, period.where)
        if record.get("state") == "ended":
            began = lasting.pop(place, period)
            ended.append(replace(began, until=record["step"]))
        else:
            lasting[place] = period
        if len(ended) > MOST:  # what came and went is less telling than what lasts
            del ended[MOST // 2]
            left_out += 1
    periods = sorted([*ended, *lasting.values()], key=lambda period: period.since)
    return Health(tuple(periods), judged, damaged, left_out)


def _period(record: Any) -> Period | None:
    if not record or not isinstance(record.get("fault"), str):
        return None

    def text(key: str) -> str:
        return str(record.get(key) or "")[:2000]

    since = count(record.get("since"))
    return Period(
        fault=text("fault"),
        title=text("title") or text("fault").replace("_", " "),
        where=text("where"),
        severity="fault" if record.get("severity") == "fault" else "warning",
        since=record["step"] if since is None else since,
        until=None,
        seen=text("seen"),
        means=text("means"),
        advice=text("try"),
    )
