"""Numbers as lines of JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gantrans.api.tracker import Tracker


class JSONL(Tracker):
    """Appends one JSON object a report to metrics.jsonl: {"step": 20, "<curve>": value, ...}."""

    name = "jsonl"

    def __init__(self, config: Any, *, run_dir: Path, start_step: int) -> None:
        super().__init__(config, run_dir=run_dir, start_step=start_step)
        path = run_dir / "metrics.jsonl"
        if path.exists():
            _forget_after(path, start_step)
        self._file = path.open("a", encoding="utf-8")

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """One line, written out at once."""
        self._file.write(json.dumps({"step": step, **values}) + "\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _forget_after(path: Path, step: int) -> None:
    """Drop the lines of steps that will be done again, and a line that a kill cut short."""
    kept = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            if json.loads(line)["step"] <= step:
                kept.append(line + "\n")
        except (ValueError, KeyError, TypeError):
            continue
    beside = path.with_suffix(".partial")
    beside.write_text("".join(kept), encoding="utf-8")
    beside.replace(path)
