"""Which curves are drawn together, and what is said of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from gantrans.api.baseline import Baseline
from gantrans.report.curves import Curve, Extreme
from gantrans.report.measures import Measure
from gantrans.report.record import Record
from gantrans.report.values import finite, short

Group = Literal["metrics", "losses", "health", "pace"]

GROUPS: dict[Group, str] = {
    "metrics": "Metrics on the test images",
    "losses": "Losses",
    "health": "What health looks at",
    "pace": "Pace and learning rate",
}
_PACE = ("images_per_second", "waiting", "learning_rate")


@dataclass
class Series:
    """One line of a chart.

    Args:
        label: what to call it in the chart.
        run: the number of its run.
        place: which of the chart's places it is of; equal in all runs.
        curve: its points.
        baseline: the strongest, drawn as a dashed line.
        best: the best value, marked.
    """

    label: str
    run: int
    place: int
    curve: Curve
    baseline: Baseline | None = None
    best: Extreme | None = None

    def as_json(self) -> dict[str, Any]:
        """What the page's script draws."""
        drawn = [(p.step, finite(float(f"{p.mean:.5g}"))) for p in self.curve.points]
        points = [(step, mean) for step, mean in drawn if mean is not None]
        return {
            "label": self.label,
            "run": self.run,
            "place": self.place,
            "x": [step for step, _ in points],
            "y": [mean for _, mean in points],
            "baseline": self.baseline.value if self.baseline else None,
            "best": [self.best.step, self.best.value] if self.best else None,
        }

    @property
    def row(self) -> list[str]:
        """First, last, least and greatest, as text: "0.24 (step 700)"."""
        curve = self.curve
        return [
            f"{short(at.value)} (step {at.step})" if at else ""
            for at in (curve.first, curve.last, curve.least, curve.greatest)
        ]


@dataclass
class Chart:
    """Lines over the same steps.

    Args:
        title: what they are of.
        group: where the chart stands.
        note: what one should know of it.
        series: the lines.
    """

    title: str
    group: Group
    note: str = ""
    series: list[Series] = field(default_factory=list)


def charts_of(records: Sequence[Record]) -> list[Chart]:
    """Every curve of every run, those of one quantity together."""
    charts: dict[tuple[Group, str], Chart] = {}
    places: dict[tuple[Group, str], list[str]] = {}
    for run, record in enumerate(records):
        for name, curve in record.curves.by_name.items():
            group, title, place = _sorted_in(name)
            measure = record.measures.of(title) if group == "metrics" else None
            key = (group, title)
            chart = charts.setdefault(key, Chart(title.replace("_", " "), group, _note(measure)))
            known = places.setdefault(key, [])
            if place not in known:
                known.append(place)
            several = f"{record.name} · " if len(records) > 1 else ""
            series = Series(f"{several}{place or title}".strip(), run, known.index(place), curve)
            if measure:
                score = record.scores.get(place, {}).get(title)
                series.baseline = measure.strongest(score.baselines) if score else None
                series.best = best_of(curve, measure)
            chart.series.append(series)
    order = list(GROUPS)
    return sorted(charts.values(), key=lambda chart: order.index(chart.group))


def best_of(curve: Curve | None, measure: Measure | None) -> Extreme | None:
    """The best value of a metric's curve."""
    if curve is None or measure is None:
        return None
    return curve.greatest if measure.higher_is_better else curve.least


def _sorted_in(name: str) -> tuple[Group, str, str]:
    """The group, the chart and the place of a curve: "generators/cycle/summer" is of losses."""
    first, _, rest = name.partition("/")
    if name in _PACE:
        return "pace", name, ""
    title, _, place = rest.partition("/")
    if first == "metrics":
        return "metrics", title, place
    if first == "health":
        return "health", title, place
    if not rest:
        return "losses", name, ""
    return "losses", title, f"{first} {place}".strip()


def _note(measure: Measure | None) -> str:
    if measure is None:
        return ""
    unit = f"in {measure.unit}, " if measure.unit else ""
    return f"{unit}{'more' if measure.higher_is_better else 'less'} is better"
