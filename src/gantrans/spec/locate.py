"""From a key path to the line of the TOML file where it stands (tomllib keeps no lines)."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from gantrans.api.problem import KeyPath


def line_of(text: str, path: KeyPath) -> int | None:
    """The line (from 1) of the key `path`, or of the innermost table around it that is written."""
    lines = _lines(text)
    for length in range(len(path), 0, -1):
        if path[:length] in lines:
            return lines[path[:length]]
    return None


TRIES = 200
"""Lines on which a value could end and did not, after which no more lines are looked for."""


@lru_cache(maxsize=1)  # it is asked for once a mistake
def _lines(text: str) -> dict[KeyPath, int]:
    """The first line of every table and key. `text` is valid TOML."""
    found: dict[KeyPath, int] = {}
    table: KeyPath = ()
    statement, start, tries = "", 0, 0
    for number, line in enumerate(text.splitlines(), start=1):
        if not statement:
            start, tries = number, 0
        statement += line + "\n"
        if number > start and not any(end in line for end in ("]", '"""', "'''")):
            continue  # no value of several lines ends here
        try:
            # A value may span lines (arrays, long strings): a statement ends where it parses.
            parsed = tomllib.loads(statement)
        except tomllib.TOMLDecodeError:
            tries += 1
            if tries > TRIES:
                break
            continue
        if statement.lstrip().startswith("["):
            table = _innermost(parsed)
            found.setdefault(table, start)
        for path in _paths(parsed, () if statement.lstrip().startswith("[") else table):
            found.setdefault(path, start)
        statement = ""
    return found


def _innermost(parsed: Mapping[str, Any]) -> KeyPath:
    path: KeyPath = ()
    while isinstance(parsed, dict) and parsed:
        key, parsed = next(iter(parsed.items()))
        path += (key,)
        if isinstance(parsed, list):
            parsed = parsed[0]
    return path


def _paths(parsed: Mapping[str, Any], prefix: KeyPath) -> list[KeyPath]:
    """Every key path in a parsed statement, those of inline tables too."""
    found: list[KeyPath] = []
    for key, value in parsed.items():
        found.append((*prefix, key))
        if isinstance(value, dict):
            found += _paths(value, (*prefix, key))
    return found
