"""What two runs have in common that trained the same, however often one of them was interrupted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def contents(run: Path) -> dict[str, Any]:
    """All files that are equal, by name."""
    found: dict[str, Any] = {}
    for file in sorted(path for path in run.rglob("*") if path.is_file()):
        name = str(file.relative_to(run))
        if file.name == "training.json":
            found[name] = {**json.loads(file.read_text()), "seconds": None}
        elif name == "batch.png":  # drawn as a run begins: one killed before that has none
            continue
        elif file.suffix in {".safetensors", ".png"} or file.name in {"latest", "best"}:
            found[name] = file.read_bytes()
    return found


def curves(run: Path) -> list[tuple[int, list[str]]]:
    """Which numbers there are, line by line."""
    lines = map(json.loads, (run / "metrics.jsonl").read_text().splitlines())
    return [(line["step"], sorted(line)) for line in lines]
