"""Writing the report of one run, or of several beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gantrans.errors import GantransError, UsageError
from gantrans.inference.files.whole import appearing, is_taken
from gantrans.report.evidence import evidence_of
from gantrans.report.names import names
from gantrans.report.page import html
from gantrans.report.record import read_record
from gantrans.report.verdict import Verdict, verdict

NAME = "report.html"


@dataclass(frozen=True)
class Report:
    """A report that was written.

    Args:
        path: of the file.
        size: in bytes.
        verdicts: of the runs, in the order in which they were given.
    """

    path: Path
    size: int
    verdicts: tuple[Verdict, ...]


def report(runs: Sequence[Path], out: Path | None = None) -> Report:
    """Write the report of one run, or one that compares several.

    Args:
        runs: run directories.
        out: the file to write, which is replaced if it is there; absent: report.html in the run,
            or of several runs in the working directory, if there is none.

    Raises:
        UsageError: if a folder is no run, or one is given twice.
        GantransError: if the file cannot be written.
    """
    records = [read_record(run) for run in runs]
    paths = [record.path for record in records]
    if len(set(paths)) < len(paths):
        raise UsageError("a run is named twice; give each once")
    for record, name in zip(records, names(paths), strict=True):
        record.name = name
    overwrite = out is not None or len(runs) == 1
    if out is None:
        out = runs[0] / NAME if len(runs) == 1 else Path(NAME)
        if not overwrite and is_taken(out):
            raise UsageError(f"{out} exists; name the file to write with --out")
    verdicts = tuple(verdict(evidence_of(record)) for record in records)
    text = html(records, verdicts).encode(errors="replace")  # of half a character (a surrogate)
    try:
        with appearing(out, overwrite=overwrite) as beside:
            beside.write_bytes(text)
    except OSError as error:
        raise GantransError(
            f"cannot write {out}: {error.strerror or error}; give another --out"
        ) from error
    return Report(out, len(text), verdicts)
