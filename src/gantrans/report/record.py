"""What a run directory says of its run, read as far as it is there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gantrans.api.baseline import LABELS
from gantrans.errors import FileError, MissingFileError, UsageError
from gantrans.inference.model_files import STATE_FILE, checkpoint_folders
from gantrans.io.received import open_regular, parse_json, read_bytes
from gantrans.report.curves import Curves, read_curves
from gantrans.report.faults import Health, read_health
from gantrans.report.measures import Measures, measures_of
from gantrans.report.names import names
from gantrans.report.state import State, newest_checkpoint, state_of
from gantrans.report.values import count, finite, number

RESOLVED = "spec.resolved.json"
LONGEST_TEXT = 60_000  # bytes of the spec, and of the end of the log


@dataclass(frozen=True)
class Score:
    """A metric's number.

    Args:
        value: it may be infinite or NaN.
        baselines: the finite values of known baselines, by their names in gantrans.api.baseline.
    """

    value: float
    baselines: Mapping[str, float] = field(default_factory=dict)


@dataclass
class Record:
    """One run.

    Args:
        path: the run directory, absolute, without links.
        name: what to call it.
        resolved: spec.resolved.json, or {}.
        spec_text: spec.toml, or "".
        summary: summary.json.
        curves: of metrics.jsonl.
        health: of health.jsonl; None where nothing watched.
        scores: by direction and metric.
        measures: how to read the metrics.
        log: the last lines of log.txt.
        data: data.json.
        state: how far it is.
        best_step: of the best checkpoint.
        generators: the ends of those of its newest checkpoint: ["ab", "ba"].
        samples: the PNGs by step.
        missing: what is not there or damaged, a sentence each.
    """

    path: Path
    name: str
    resolved: dict[str, Any] = field(default_factory=dict)
    spec_text: str = ""
    summary: dict[str, Any] | None = None
    curves: Curves = field(default_factory=Curves)
    health: Health | None = None
    scores: dict[str, dict[str, Score]] = field(default_factory=dict)
    measures: Measures = field(default_factory=Measures)
    log: list[str] = field(default_factory=list)
    data: dict[str, Any] | None = None
    state: State = field(default_factory=lambda: State("interrupted", 0, None, None))
    best_step: int | None = None
    generators: list[str] = field(default_factory=list)
    samples: dict[int, Path] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)

    @property
    def spec(self) -> dict[str, Any]:
        """The whole spec, every default filled in."""
        return table(self.resolved.get("spec"))

    @property
    def domains(self) -> dict[str, str]:
        """What "a" and "b" are called."""
        named = table(self.spec.get("domains"))
        return {end: str(named.get(end, end)) for end in "ab"}


def read_record(path: Path) -> Record:
    """Read a run directory.

    Raises:
        UsageError: if `path` is none, or closed to this user.
    """
    _check(path)
    path = path.resolve()
    record = Record(path, names([path])[0])
    missing = record.missing
    record.resolved = _json(record, RESOLVED, "the spec and the versions") or {}
    record.spec_text = _tail(record, "spec.toml")
    record.summary = _json(record, "summary.json")
    record.data = _json(record, "data.json")
    record.log = _tail(record, "log.txt").splitlines()
    _read_numbers(record)
    newest = _read_checkpoints(record)
    record.state = state_of(
        path,
        resolved=record.resolved,
        summary=record.summary,
        newest=newest,
        curves=record.curves,
        log=record.log,
    )
    record.samples = _samples(path / "samples")
    if not record.samples:
        missing.append("There are no sample pictures yet (samples/ is empty).")
    if record.summary is None and (path / "summary.json").exists():
        missing.append("summary.json is damaged.")
    elif record.summary is None and record.state.over:
        missing.append("summary.json is not there: the run did not come to its end.")
    return record


def _check(path: Path) -> None:
    try:
        (path / "..").stat()  # a folder may be listed and yet not entered
        there = {file.name for file in path.iterdir()}
    except (FileNotFoundError, NotADirectoryError):
        raise UsageError(
            f"there is no folder {path}; name a run directory that `gantrans run` made"
        ) from None
    except OSError as error:
        raise UsageError(
            f"cannot read the run {path}: {error.strerror}; see to it that you may list and enter "
            "the folder"
        ) from None
    if not {RESOLVED, "metrics.jsonl", "summary.json"} & there:
        raise UsageError(
            f"{path} is no run directory (it has neither {RESOLVED} nor metrics.jsonl); name one "
            "that `gantrans run` made"
        )


def table(value: Any) -> dict[str, Any]:
    """A table of a file that may be of another shape: then it is empty."""
    return value if isinstance(value, dict) else {}


def items(value: Any) -> list[Any]:
    """Likewise a list."""
    return value if isinstance(value, list) else []


def _read_numbers(record: Record) -> None:
    path, missing = record.path, record.missing
    try:
        record.curves = read_curves(path / "metrics.jsonl")
    except MissingFileError:
        missing.append("metrics.jsonl is not there: there are no curves.")
    except FileError as error:
        missing.append(f"metrics.jsonl cannot be read ({error.reason}): there are no curves.")
    if damaged := record.curves.damaged:
        lines = "1 line" if damaged == 1 else f"{damaged} lines"
        missing.append(f"metrics.jsonl: {lines} could not be read and {_were(damaged)} left out.")
    if record.curves.dropped:
        missing.append("metrics.jsonl has more curves than a page can show; the last are left out.")
    try:
        record.health = read_health(path / "health.jsonl")
    except MissingFileError:
        missing.append("health.jsonl is not there: nothing watched over this run's health.")
    except FileError as error:
        missing.append(f"health.jsonl cannot be read ({error.reason}).")
    if record.health and (damaged := record.health.damaged):
        missing.append(f"health.jsonl: {damaged} damaged {_were(damaged)} left out.")
    if record.health and record.health.left_out:
        missing.append(f"Health: {record.health.left_out} faults that came and went are left out.")


def _read_checkpoints(record: Record) -> dict[str, Any]:
    """The facts of the newest checkpoint; scores and the best step go into the record."""
    folder, missing = None, "There is no checkpoint: nothing to go on from or to translate with."
    try:
        folder = newest_checkpoint(checkpoint_folders(record.path / "checkpoints"))
    except OSError as error:
        missing = f"checkpoints/ cannot be read ({error.strerror})."
    state = folder and str((folder / STATE_FILE).relative_to(record.path))
    newest = (_json(record, state) or {}) if state else {}
    if folder is None:
        record.missing.append(missing)
    else:
        stems = sorted(file.stem for file in folder.glob("generator_*.safetensors"))
        record.generators = [stem.removeprefix("generator_") for stem in stems]
    summary = record.summary or {}
    found = table(summary.get("metrics") or newest.get("scores"))
    record.scores = {
        str(direction): {
            str(key): score
            for key, members in table(metrics).items()
            if (score := _score(table(members)))
        }
        for direction, metrics in found.items()
    }
    asked = table(record.spec.get("train")).get("best_by")
    chosen = summary.get("best_by") or table(newest.get("best")).get("metric") or asked
    record.measures = measures_of(record.resolved, chosen)
    best = summary.get("best_step") if record.summary else table(newest.get("best")).get("step")
    record.best_step = count(best)
    return newest


def _score(members: Mapping[str, Any]) -> Score | None:
    """Read a score; None without its value."""
    value, given = number(members.get("value")), table(members.get("baselines"))
    if value is None:
        return None
    known = {name: found for name in LABELS if (found := finite(given.get(name))) is not None}
    return Score(value, known)


def _samples(folder: Path) -> dict[int, Path]:
    found = {}
    for path in folder.glob("step-*.png") if folder.is_dir() else ():
        step = path.stem.removeprefix("step-")
        if step.isdecimal():
            found[int(step)] = path
    return dict(sorted(found.items()))


def _json(record: Record, name: str, what: str = "") -> dict[str, Any] | None:
    """The JSON object of a run's file, or None; `record.missing` gets why `what` is unknown."""
    why, found = "is damaged", None
    try:
        found = parse_json(read_bytes(record.path / name, within=record.path))
    except MissingFileError:
        why = "is not there"
    except FileError as error:
        why = f"cannot be read ({error.reason})"
    except ValueError:
        pass
    if isinstance(found, dict):
        return found
    if what:
        record.missing.append(f"{name} {why}: {what} are unknown.")
    return None


def _tail(record: Record, name: str) -> str:
    """The end of a run's text file, from a whole line on; "" if there is none."""
    try:
        with open_regular(record.path / name, within=record.path) as stream:
            size = stream.seek(0, 2)
            stream.seek(max(0, size - LONGEST_TEXT))
            text = stream.read(LONGEST_TEXT).decode("utf-8", errors="replace")
    except MissingFileError:
        return ""
    except (OSError, FileError) as error:
        reason = error.reason if isinstance(error, FileError) else error.strerror
        record.missing.append(f"{name} cannot be read ({reason}).")
        return ""
    return text if size <= LONGEST_TEXT else text.partition("\n")[2]


def _were(count: int) -> str:
    return "was" if count == 1 else "were"
