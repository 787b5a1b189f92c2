"""What to call the runs of a report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def names(runs: Sequence[Path]) -> list[str]:
    """The folder of each run, with as many parents as tell it from the others of that name.

    Args:
        runs: absolute paths, each once.
    """
    return [_name(run, [other for other in runs if other != run]) for run in runs]


def _name(run: Path, others: Sequence[Path]) -> str:
    count = 1
    while any(other.parts[-count:] == run.parts[-count:] for other in others):
        count += 1
    return str(Path(*run.parts[-count:]))
