"""All checks: those of every component, and those of its kind."""

from __future__ import annotations

from gantrans.api.component import Kind
from gantrans.testing import every
from gantrans.testing.check import Check


def checks_of(kind: Kind) -> tuple[Check, ...]:
    """What a component of `kind` is checked for, in order. Imports torch for some kinds."""
    own: tuple[Check, ...] = every.home(kind).CHECKS
    return every.CHECKS + own
