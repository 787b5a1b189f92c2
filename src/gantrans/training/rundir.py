"""The run directory: where everything of one run lies.

spec.toml             as given
spec.resolved.json    every default filled in, versions, plugins, and the folder that relative
                      paths of the spec are relative to
plugins/              copies of the one-file plugins
images.json           which images the run was last trained with: see training/image_manifest.py
metrics.jsonl  log.txt  samples/  summary.json
checkpoints/          see training/checkpoint.py
"""

from __future__ import annotations

import json
import platform
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import Any

import gantrans
from gantrans.api.metric import Metric, MetricConfig
from gantrans.errors import FileError, GantransError, MissingFileError, UsageError
from gantrans.inference.model_files import sha256_of
from gantrans.io.received import check_folder, read_json
from gantrans.plugin.registry import Origin
from gantrans.plugin.trust import remember
from gantrans.spec.changed import changed
from gantrans.spec.load import LoadedSpec, Source
from gantrans.training.retention import sync

RESOLVED, SUMMARY = "spec.resolved.json", "summary.json"


@dataclass(frozen=True)
class RunDirectory:
    """The files of a run, by name."""

    path: Path

    @property
    def checkpoints(self) -> Path:
        """The folder of checkpoints."""
        return self.path / "checkpoints"

    @property
    def samples(self) -> Path:
        """The folder of sample grids."""
        return self.path / "samples"

    def write_json(self, name: str, content: Mapping[str, Any], *, indent: int | None = 1) -> None:
        """Write a file beside its place, then move it there."""
        partial = self.path / f"{name}.partial"
        partial.write_text(json.dumps(content, indent=indent) + "\n", encoding="utf-8")
        sync(partial)
        partial.replace(self.path / name)
        sync(self.path)


def create(
    loaded: LoadedSpec,
    wanted: Path | None,
    runs: Path,
    circumstances: Mapping[str, Any] = MappingProxyType({}),
) -> RunDirectory:
    """Make the directory of a new run, complete from the moment it has its record of the spec.

    Args:
        loaded: the spec, which is recorded in it.
        wanted: the directory to make; absent: `runs`/<name>-NNN, the first free number.
        runs: the folder of numbered runs.
        circumstances: what else to record, such as the machine.

    Raises:
        UsageError: if `wanted` exists and is not empty.
        GantransError: if it cannot be written.
    """
    try:
        if wanted is not None and wanted.exists():
            if not wanted.is_dir() or any(wanted.iterdir()):
                raise UsageError(
                    f"the run directory {wanted} exists and is not empty; choose another "
                    f"--run-dir, or go on with it: gantrans run --resume {wanted}"
                )
            beside = wanted  # it may be a mounted disk, or where the user stands: it stays
        else:
            beside = wanted.parent if wanted is not None else runs
            beside.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".new-run-", dir=beside) as new:
            folder = Path(new) / "run"
            folder.mkdir()
            _fill(folder, loaded, circumstances)
            if wanted is None:
                return RunDirectory(_numbered(folder, runs, loaded.run.name))
            if wanted != beside:
                return RunDirectory(folder.rename(wanted))
            for path in sorted(folder.iterdir(), key=lambda path: path.name == RESOLVED):
                path.rename(wanted / path.name)  # what makes it a run comes last
            return RunDirectory(wanted)
    except OSError as error:
        raise GantransError(
            f"cannot make the run directory {wanted or f'in {runs}'}: {error.strerror or error}; "
            "choose another place with --run-dir"
        ) from error


def _numbered(folder: Path, runs: Path, name: str) -> Path:
    """Renaming a folder onto an empty one is allowed, onto a filled one not: so none is lost."""
    taken = [re.fullmatch(rf"{re.escape(name)}-(\d+)", path.name) for path in runs.iterdir()]
    number = max((int(match[1]) for match in taken if match), default=0) + 1
    while True:  # another process may take the number first
        try:
            return folder.rename(runs / f"{name}-{number:03d}")
        except OSError:
            if not (runs / f"{name}-{number:03d}").exists():
                raise
            number += 1


def reopen(path: Path) -> RunDirectory:
    """The directory of an earlier run, to be written in again.

    Raises:
        UsageError: if `path` is no run directory.
        FileError: if something in it leads out of it.
    """
    _read(path)
    check_folder(path)
    return RunDirectory(path)


def recorded(run: RunDirectory) -> tuple[Source, dict[Path, str]]:
    """The spec that a run is going by, and the copies of its one-file plugins with their SHA-256.

    Whoever executes a copy has to ask `check_trust` before.

    Raises:
        UsageError: if a plugin's copy was changed.
    """
    table, base_dir, digests = _read(run.path)
    copies = {run.path / "plugins" / Path(name).name: digest for name, digest in digests.items()}
    for copy, digest in copies.items():
        if not _is_unchanged(copy, digest, run.path):
            raise UsageError(
                f"{copy} is missing or not the plugin that the run began with; restore it, or give "
                f"the spec, which names its plugins: gantrans run SPEC --resume {run.path}"
            )
    return Source({**table, "plugins": []}, str(run.path / RESOLVED), base_dir), copies


def record(
    run: RunDirectory,
    loaded: LoadedSpec,
    circumstances: Mapping[str, Any] = MappingProxyType({}),
) -> None:
    """Write down the spec that a run goes on with, and `circumstances`.

    Its one-file plugins have been executed, since the user named or trusted them: from now on the
    run's copies of them need no further word.
    """
    remember([origin.sha256 for origin in loaded.registry.file_plugins()])
    resolved = _resolved(loaded, _copy_plugins(run.path, loaded))
    run.write_json(RESOLVED, {**resolved, **circumstances})


def _read(path: Path) -> tuple[dict[str, Any], Path, dict[str, str]]:
    """The recorded spec, its base folder, and the digests of the plugins' copies."""
    try:
        found = read_json(path / RESOLVED, within=path)
        return dict(found["spec"]), Path(found["base_dir"]), dict(found["plugin_files"])
    except MissingFileError:
        reason = f"it has no {RESOLVED}"
    except FileError as error:
        reason = f"its {RESOLVED} cannot be read: {error.reason}"
    except (ValueError, LookupError, TypeError):
        reason = f"its {RESOLVED} is damaged"
    raise UsageError(f"{path} is no run directory ({reason}); name one that `gantrans run` made")


def _is_unchanged(copy: Path, digest: str, run: Path) -> bool:
    try:
        return sha256_of(copy, within=run) == digest
    except FileError:
        return False


def origin_of(origin: Origin) -> dict[str, str]:
    """What a file says of a component's plugin."""
    if origin.file is None:
        return {"name": origin.name, "version": origin.version}
    return {"name": origin.name, "sha256": origin.sha256}


def _fill(folder: Path, loaded: LoadedSpec, circumstances: Mapping[str, Any]) -> None:
    if loaded.source.text:
        (folder / "spec.toml").write_text(loaded.source.text, encoding="utf-8", newline="")
    record(RunDirectory(folder), loaded, circumstances)
    (folder / "checkpoints").mkdir()
    (folder / "samples").mkdir()


def _copy_plugins(folder: Path, loaded: LoadedSpec) -> dict[str, str]:
    copies: dict[str, str] = {}
    for origin in loaded.registry.file_plugins():
        assert origin.file is not None
        name = origin.file.name
        if name in copies:  # two files of one name, from two folders
            name = f"{origin.file.stem}-{origin.sha256[:8]}.py"
        copies[name] = origin.sha256
        place = folder / "plugins" / name
        place.parent.mkdir(exist_ok=True)
        if place.resolve() != origin.file:
            partial = place.with_suffix(".partial")
            shutil.copyfile(origin.file, partial)
            partial.replace(place)
    return copies


def _resolved(loaded: LoadedSpec, copies: Mapping[str, str]) -> dict[str, Any]:
    packages = ("torch", "torchvision", "pillow", "pydantic", "safetensors")
    plugins = {str(e.origin): origin_of(e.origin) for e in loaded.registry}
    return {
        "gantrans": gantrans.__version__,
        "python": platform.python_version(),
        "packages": {name: version(name) for name in packages},
        "plugins": sorted(plugins.values(), key=lambda plugin: plugin["name"]),
        "plugin_files": dict(copies),
        "base_dir": str(loaded.source.base_dir),
        "overridden": [".".join(map(str, path)) for path in loaded.source.overridden],
        "spec": loaded.run.model_dump(mode="json"),
        "changed": changed(loaded.run),
        "measures": {key: _measure(config) for key, config in loaded.run.metrics.items()},
    }


def _measure(config: MetricConfig) -> dict[str, Any]:
    """What a reader must know of a metric whose code it may not have."""
    metric: type[Metric] = config.component
    return {
        "higher_is_better": metric.higher_is_better,
        "unit": metric.unit,
        "needs_cycle": metric.needs_cycle,
    }
