"""From a TOML file to a validated RunSpec: read, apply overrides, take in plugins, validate."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from gantrans.api.slot import Problem, problems
from gantrans.errors import SpecError, UsageError
from gantrans.plugin.manager import load_registry
from gantrans.plugin.registry import Registry
from gantrans.spec.locate import KeyPath, line_of
from gantrans.spec.model import RunSpec

_BARE_WORD = re.compile(r"[A-Za-z_./~][\w./~-]*\Z")


@dataclass(frozen=True)
class Source:
    """A spec as written: enough to say where a mistake stands.

    Args:
        table: the parsed keys, overrides applied.
        name: what to call it in messages, usually the file's path.
        base_dir: the folder that relative paths in it are relative to.
        text: the TOML as given.
        overridden: the key paths that were set from outside the file.
    """

    table: dict[str, Any]
    name: str
    base_dir: Path
    text: str = ""
    overridden: tuple[KeyPath, ...] = ()

    def error(self, found: Sequence[Problem]) -> SpecError:
        """All problems as one SpecError: `file:line: key.path: message`."""
        return SpecError([self._line(problem) for problem in found])

    def _line(self, problem: Problem) -> str:
        path = ".".join(map(str, problem.path))
        said = f"{path}: {problem.message}" if path else problem.message
        if any(problem.path[: len(key)] == key for key in self.overridden):
            return f"--set {said}"
        line = line_of(self.text, problem.path) if problem.path else None
        return f"{self.name}:{line}: {said}" if line else f"{self.name}: {said}"


@dataclass(frozen=True)
class LoadedSpec:
    """A valid spec with what it was read from and the components it was validated against."""

    run: RunSpec
    source: Source
    registry: Registry


def read(path: Path) -> Source:
    """Parse a spec file. Raises UsageError if it cannot be read, SpecError if it is no TOML."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot read the spec {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path} is no text file; a spec is a TOML file in UTF-8") from None
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"\(at line (\d+), column \d+\)", str(error))
        line = f":{place[1]}" if place else ""
        raise SpecError([f"{path}{line}: this is no valid TOML: {error}"]) from None
    return Source(table, str(path), path.parent.resolve(), text)


def override(source: Source, settings: Iterable[str]) -> Source:
    """Apply `KEY=VALUE` settings, such as `train.epochs=2`; the value is TOML.

    A bare word is taken as a string, so that `name=test` needs no second pair of quotes.
    Raises UsageError for one that cannot be applied.
    """
    table = _copied(source.table)
    changed = list(source.overridden)
    for setting in settings:
        key, equals, value = setting.partition("=")
        path = tuple(part.strip() for part in key.split("."))
        if not equals or not all(path):
            raise UsageError(f"--set {setting}: write it as KEY=VALUE, such as train.epochs=2")
        _set(table, path, _toml_value(value.strip(), setting), setting)
        changed.append(path)
    return replace(source, table=table, overridden=tuple(changed))


def validate(source: Source, registry: Registry) -> RunSpec:
    """A RunSpec, or a SpecError with every mistake."""
    try:
        return RunSpec.model_validate(source.table, context={"components": registry})
    except ValidationError as error:
        raise source.error(problems(error, RunSpec)) from None


def load(
    spec: Path | str | Mapping[str, Any] | Source,
    *,
    settings: Iterable[str] = (),
    plugins: Iterable[Path] = (),
) -> LoadedSpec:
    """Read (or take) a spec, apply `settings`, load its plugins and validate it.

    Args:
        spec: a file, a table (relative paths are then relative to the working directory), or a
            source read before.
        settings: overrides, each `KEY=VALUE`.
        plugins: one-file plugins beside those that the spec names.
    """
    if isinstance(spec, Mapping):
        spec = Source(dict(spec), "spec", Path.cwd())
    source = override(spec if isinstance(spec, Source) else read(Path(spec)), settings)
    files = [Path(file) for file in plugins]
    named = source.table.get("plugins", [])
    if isinstance(named, list | tuple):  # anything else is reported by validation
        files += [source.base_dir / name for name in named if isinstance(name, str)]
    registry = load_registry(files)
    broken = [
        Problem(("plugins",), f"the plugin {b.origin.file} is broken: {b.reason}")
        for b in registry.broken
        if b.origin.file
    ]
    if broken:
        raise source.error(broken)
    return LoadedSpec(validate(source, registry), source, registry)


def _toml_value(text: str, setting: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError as error:
        if _BARE_WORD.match(text):
            return text
        raise UsageError(f"--set {setting}: {text!r} is no TOML value ({error})") from None


def _set(table: dict[str, Any], path: Sequence[str], value: Any, setting: str) -> None:
    for key in path[:-1]:
        inner = table.setdefault(key, {})
        if isinstance(inner, str):  # norm = "instance" with --set generator.norm.affine=true
            inner = table[key] = {"type": inner}
        if not isinstance(inner, dict):
            raise UsageError(f"--set {setting}: {key!r} is no table in this spec")
        table = inner
    table[path[-1]] = value


def _copied(table: Mapping[str, Any]) -> dict[str, Any]:
    return {k: _copied(v) if isinstance(v, Mapping) else v for k, v in table.items()}
