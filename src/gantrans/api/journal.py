"""Journal: lines of JSON by step, which survive a kill and a resume. Imports no torch."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from gantrans.io.received import parse_json


class Journal:
    """A file with one JSON object a line, each with its "step".

    After a resume the lines of steps that will be done again are dropped, and so is a line that a
    kill cut short.

    Args:
        path: the file; made if need be.
        start_step: finished steps when the session begins.

    Raises:
        OSError: if it cannot be written.
    """

    def __init__(self, path: Path, start_step: int) -> None:
        if path.exists():
            _forget_after(path, start_step)
        self._file = path.open("a", encoding="utf-8")

    def write(self, step: int, values: Mapping[str, Any]) -> None:
        """One line, written out at once."""
        self._file.write(json.dumps({"step": step, **values}) + "\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def entries(path: Path) -> Iterator[dict[str, Any]]:
    """The whole lines of a journal, one after the other; those that are damaged are passed over."""
    with path.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            try:
                entry = parse_json(line)
            except ValueError:
                continue
            if isinstance(entry, dict) and type(entry.get("step")) is int:
                yield entry


def _forget_after(path: Path, step: int) -> None:
    beside = path.with_suffix(".partial")
    with beside.open("w", encoding="utf-8") as kept:
        for entry in entries(path):
            if entry["step"] <= step:
                kept.write(json.dumps(entry) + "\n")
    beside.replace(path)
