"""How to read the metrics of a run: which way is up, and which one counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gantrans.api.baseline import Baseline, strongest


@dataclass(frozen=True)
class Measure:
    """A metric, as a reader must know it."""

    higher_is_better: bool
    unit: str = ""
    needs_cycle: bool = False

    def strongest(self, baselines: Mapping[str, float]) -> Baseline | None:
        """The baseline that is the hardest to beat, of their values by name; None without any."""
        return strongest(baselines, higher_is_better=self.higher_is_better)


# Runs of before spec.resolved.json had `measures` know only these metrics by name.
_OLDER = {
    "psnr": Measure(True, "dB"),
    "ssim": Measure(True),
    "l1": Measure(False, "levels"),
    "swd": Measure(False),
    "cycle": Measure(False, "levels", needs_cycle=True),
    "fid": Measure(False),
    "kid": Measure(False),
    "lpips": Measure(False),
}


@dataclass(frozen=True)
class Measures:
    """The metrics of one run by their key in the spec, in its order.

    Args:
        by_key: those whose direction is known.
        chosen: the key that the best checkpoint goes by, if the run says so.
    """

    by_key: Mapping[str, Measure] = field(default_factory=dict)
    chosen: str | None = None

    def of(self, name: str) -> Measure | None:
        """That of a number, whose name may be "key.number"; None if it is unknown."""
        return self.by_key.get(name.partition(".")[0])

    def headline(self, names: Iterable[str]) -> str | None:
        """Which of the numbers `names` tells how good the run is."""
        there = set(names)
        if self.chosen in there:
            return self.chosen
        for key, measure in self.by_key.items():
            if key in there and not measure.needs_cycle:
                return key
        return None


def measures_of(resolved: Mapping[str, Any], chosen: Any) -> Measures:
    """Those that spec.resolved.json tells of.

    Args:
        resolved: that file.
        chosen: the metric that the best is chosen by, if the run says so.
    """
    said = resolved.get("measures")
    if isinstance(said, dict):
        known = {
            str(key): Measure(
                higher_is_better=bool(facts.get("higher_is_better")),
                unit=str(facts.get("unit") or ""),
                needs_cycle=bool(facts.get("needs_cycle")),
            )
            for key, facts in said.items()
            if isinstance(facts, dict)
        }
    else:
        spec = resolved.get("spec")
        metrics = spec.get("metrics") if isinstance(spec, dict) else None
        tables = metrics if isinstance(metrics, dict) else {key: {} for key in _OLDER}
        types = {
            str(key): table.get("type", key) if isinstance(table, dict) else key
            for key, table in tables.items()
        }
        known = {key: _OLDER[name] for key, name in types.items() if name in _OLDER}
    return Measures(known, chosen if isinstance(chosen, str) else None)
