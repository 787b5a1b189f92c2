"""Numbers as lines of JSON."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gantrans.api.journal import Journal
from gantrans.api.tracker import Tracker


class JSONL(Tracker):
    """Appends one JSON object a report to metrics.jsonl: {"step": 20, "<curve>": value, ...}."""

    name = "jsonl"

    def __init__(self, config: Any, *, run_dir: Path, start_step: int) -> None:
        super().__init__(config, run_dir=run_dir, start_step=start_step)
        self._journal = Journal(run_dir / "metrics.jsonl", start_step)

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """One line, written out at once."""
        self._journal.write(step, values)

    def close(self) -> None:
        """Close the file."""
        self._journal.close()
