"""Settings that both domains have, and in which one may differ. Imports no torch.

A config with such settings has them itself, and once more in its tables `a` and `b`:

    resize = 286
    b      = { resize = 512 }
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any


def filled(table: Any, common: Collection[str]) -> Any:
    """The table, where what its tables `a` and `b` leave out is as in the table itself.

    For a validator of mode "before". Tables inside are filled in the same way.

    Args:
        table: what was written; anything but a mapping is given back.
        common: the keys that a domain's table may have.
    """
    if not isinstance(table, Mapping):
        return table
    shared = {key: value for key, value in table.items() if key in common}
    own = {key: table[key] for key in ("a", "b") if isinstance(table.get(key), Mapping)}
    return {**table, **{key: _laid_over(shared, value) for key, value in own.items()}}


def _laid_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = {**below, **above}
    for key in below.keys() & above.keys():
        if isinstance(below[key], Mapping) and isinstance(above[key], Mapping):
            merged[key] = _laid_over(below[key], above[key])
    return merged
