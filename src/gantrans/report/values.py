"""Values of files that may hold anything, and how numbers are shown."""

from __future__ import annotations

import math
from typing import Any

LAST_STEP = 1 << 53  # to which a page's script counts exactly


def number(value: Any) -> float | None:
    """A number, also one that is not finite; None for anything else."""
    if type(value) not in (int, float):
        return None
    try:
        return float(value)
    except OverflowError:
        return None


def finite(value: Any) -> float | None:
    """A finite number; None for anything else."""
    found = number(value)
    return found if found is not None and math.isfinite(found) else None


def count(value: Any) -> int | None:
    """A step, or how many there are of something; None for anything else."""
    return value if type(value) is int and 0 <= value <= LAST_STEP else None


def short(value: float) -> str:
    """With three digits: 1310, 19.3, 8.00, 0.00412."""
    if abs(value) >= 100 or value == 0:
        return f"{value:.0f}"
    return f"{value:#.3g}"


def span(seconds: float) -> str:
    """12 s, 3 min, 2 h 5 min, 3 days"""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{hours // 24} days"
