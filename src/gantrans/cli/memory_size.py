"""Sizes of memory as people write them."""

from __future__ import annotations

import re

from gantrans.errors import UsageError

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12} | {
    "ki": 2**10,
    "mi": 2**20,
    "gi": 2**30,
    "ti": 2**40,
}
_SIZE = re.compile(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*([kmgt]?i?)b?\s*", re.IGNORECASE)


def bytes_of(text: str, option: str = "--max-memory") -> int:
    """Such as 2GiB, 1.5 GiB, 500MB or 1000000 in bytes. Raises UsageError for anything else."""
    match = _SIZE.fullmatch(text)
    unit = match and _UNITS.get(match[2].lower())
    if not (match and unit and (size := int(float(match[1]) * unit))):
        raise UsageError(f"{option} {text!r} is no size of memory: write such as 2GiB or 500MB")
    return size
