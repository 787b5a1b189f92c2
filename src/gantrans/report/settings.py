"""What a run's spec says otherwise than the defaults, or than another run's."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from gantrans.report.record import Record


def changes(record: Record) -> list[tuple[str, str, str]] | None:
    """Keys that differ from their defaults: key, value, default; None if the run does not say."""
    found = record.resolved.get("changed")
    if not isinstance(found, list):
        return None
    return [
        (str(change["key"]), shown(change.get("value")), shown(change.get("default")))
        for change in found
        if isinstance(change, dict) and "key" in change
    ]


def differences(records: Sequence[Record]) -> list[tuple[str, list[str]]]:
    """Keys whose values are not the same in all runs, with the value of each."""
    flat = [dict(_flat(record.spec, "")) for record in records]
    keys = list(dict.fromkeys(key for one in flat for key in one))
    rows = [(key, [shown(one[key]) if key in one else "-" for one in flat]) for key in keys]
    return [(key, values) for key, values in rows if len(set(values)) > 1]


def shown(value: Any) -> str:
    """A value as a spec has it; a dash for none."""
    if value is None:
        return "-"
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ", ".join(value)
    return json.dumps(value, ensure_ascii=False)


def _flat(table: dict[str, Any], path: str) -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{path}{key}.")
        else:
            yield f"{path}{key}", value
