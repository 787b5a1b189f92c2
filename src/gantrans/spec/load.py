"""From a TOML file to a validated RunSpec: read, apply overrides, take in plugins, validate."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from gantrans.api.problem import KeyPath, Problem, problems
from gantrans.errors import FileError, SpecError, UsageError
from gantrans.io.received import read_bytes
from gantrans.io.text import shown
from gantrans.plugin.manager import load_registry, resolved
from gantrans.plugin.registry import Registry
from gantrans.spec.locate import line_of
from gantrans.spec.model import RunSpec

LARGEST = 256 * 2**10
"""Bytes of a spec. What `gantrans init` writes has about four thousand."""

DEEPEST = 50
"""Levels of tables and lists in a spec."""


@dataclass(frozen=True)
class Source:
    """A spec as written: enough to say where a mistake stands.

    Args:
        table: the parsed keys, overrides applied.
        name: what to call it in messages, usually the file's path.
        base_dir: the folder that relative paths in it are relative to.
        text: the TOML as given.
        overridden: the key paths that were set from outside the file.

    Raises:
        SpecError: if `table` is nested more than `DEEPEST` levels deep.
    """

    table: dict[str, Any]
    name: str
    base_dir: Path
    text: str = ""
    overridden: tuple[KeyPath, ...] = ()

    def __post_init__(self) -> None:
        level: list[Any] = [self.table]
        for _ in range(DEEPEST):
            tables = [list(one.values()) for one in level if isinstance(one, Mapping)]
            lists = [one for one in level if isinstance(one, list | tuple)]
            level = [inner for one in (*tables, *lists) for inner in one]
        if level:
            raise SpecError([f"{self.name}: tables and lists are nested too deeply"])

    def error(self, found: Sequence[Problem]) -> SpecError:
        """All problems as one SpecError."""
        return SpecError(self.lines(found))

    def lines(self, found: Sequence[Problem]) -> list[str]:
        """The problems in the order of the file: `file:line: key: message`."""
        located = sorted(map(self._located, self._written(found)), key=lambda at: at[0])
        return [text for _, text in located]

    def _written(self, found: Sequence[Problem]) -> list[Problem]:
        """Without those of a key that is written elsewhere and said to be wrong there.

        What both domains have in common is filled into the table of each, mistakes included.
        """
        here = {(p.path[-1:], p.message) for p in found if self._has(p.path)}
        return [p for p in found if self._has(p.path) or (p.path[-1:], p.message) not in here]

    def _located(self, problem: Problem) -> tuple[int, str]:
        path = problem.path
        if path[-1:] == ("type",) and not self._has(path):
            path = path[:-1]  # [losses.cycle] is of type "cycle" without saying so
        key = shown(".".join(map(str, path)))
        said = f"{key}: {problem.message}" if key else problem.message
        if any(path[: len(changed)] == changed for changed in self.overridden):
            return 0, f"--set {said}"
        line = line_of(self.text, path) if path else None
        return (line, f"{self.name}:{line}: {said}") if line else (0, f"{self.name}: {said}")

    def _has(self, path: KeyPath) -> bool:
        table: Any = self.table
        for key in path:
            if not isinstance(table, Mapping) or key not in table:
                return False
            table = table[key]
        return True


@dataclass(frozen=True)
class LoadedSpec:
    """A valid spec with what it was read from and the components it was validated against."""

    run: RunSpec
    source: Source
    registry: Registry


def read(path: Path) -> Source:
    """Parse a spec file. Raises UsageError if it cannot be read, SpecError if it is no TOML."""
    try:
        text = read_bytes(path, most=LARGEST).decode("utf-8-sig")  # line ends stay as they are
    except FileError as error:
        raise UsageError(f"cannot read the spec {path}: {error.reason}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path} is no text file; a spec is a TOML file in UTF-8") from None
    try:
        table = tomllib.loads(text)
    except RecursionError:
        raise SpecError([f"{path}: tables and lists are nested too deeply"]) from None
    except ValueError as error:  # TOMLDecodeError, or a number of thousands of digits
        place = re.search(r"\(at line (\d+), column \d+\)", str(error))
        line = f":{place[1]}" if place else ""
        raise SpecError([f"{path}{line}: this is no valid TOML: {error}"]) from None
    return Source(table, str(path), path.parent.resolve(), text)


def override(source: Source, settings: Iterable[str]) -> Source:
    """Apply `KEY=VALUE` settings, such as `train.epochs=2`; the value is TOML.

    What is no TOML is taken as text, so that `name=test` needs no second pair of quotes.
    Raises UsageError for one that cannot be applied.
    """
    table = _copied(source.table)
    changed = list(source.overridden)
    for setting in settings:
        key, equals, value = setting.partition("=")
        path = tuple(part.strip() for part in key.split("."))
        if not equals or not all(path) or not value.strip():
            raise UsageError(f"--set {setting}: write it as KEY=VALUE, such as train.epochs=2")
        changed.append(_set(table, path, _toml_value(value.strip(), setting), setting))
    return replace(source, table=table, overridden=tuple(changed))


def validate(source: Source, registry: Registry) -> RunSpec:
    """A RunSpec, or a SpecError with every mistake."""
    try:
        context = {"components": registry, "base_dir": source.base_dir}
        return RunSpec.model_validate(source.table, context=context)
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
    named = source.table.get("plugins", [])
    own = [n for n in named if isinstance(n, str)] if isinstance(named, list | tuple) else []
    asked = [Path(file) for file in plugins]
    registry = load_registry([*asked, *(source.base_dir / name for name in own)])

    reasons = {broken.origin.file: broken.reason for broken in registry.broken}
    wrong = [
        f"--plugin {file}: {reasons[at]}" for file in asked if (at := resolved(file)) in reasons
    ]
    for name in own:
        if (at := resolved(source.base_dir / name)) in reasons:
            problem = Problem(("plugins",), f"{name!r}: {reasons[at]}")
            wrong += source.error([problem]).problems
    try:
        run = validate(source, registry)
    except SpecError as error:
        raise SpecError([*wrong, *error.problems]) from None
    if wrong:
        raise SpecError(wrong)
    return LoadedSpec(run, source, registry)


def _toml_value(text: str, setting: str) -> Any:
    try:
        table = tomllib.loads(f"value = {text}")
    except RecursionError:
        raise UsageError(f"--set {setting[:80]}...: it is nested too deeply") from None
    except ValueError as error:  # TOMLDecodeError, or a number of thousands of digits
        if text[0] not in "'\"[{":
            return text
        raise UsageError(f"--set {setting}: {text} is no TOML value ({error})") from None
    if len(table) > 1:
        raise UsageError(f"--set {setting}: it sets several keys; give each a --set of its own")
    return table["value"]


def _set(table: dict[str, Any], path: tuple[str, ...], value: Any, setting: str) -> KeyPath:
    """Set one key; gives the path of what was not there before, a table or the key itself."""
    changed = path
    for depth, key in enumerate(path[:-1], start=1):
        if key not in table and changed == path:
            changed = path[:depth]
        inner = table.setdefault(key, {})
        if isinstance(inner, str):  # norm = "instance" with --set generator.norm.affine=true
            inner = table[key] = {"type": inner}
        if not isinstance(inner, dict):
            raise UsageError(f"--set {setting}: {key!r} is no table in this spec")
        table = inner
    table[path[-1]] = value
    return changed


def _copied(table: Mapping[str, Any]) -> dict[str, Any]:
    return {k: _copied(v) if isinstance(v, Mapping) else v for k, v in table.items()}
