"""All checks: those of every component, and those of its kind."""

from __future__ import annotations

from importlib import import_module

from gantrans.api.component import KINDS, Kind
from gantrans.testing import every
from gantrans.testing.check import Check

_HOME: dict[Kind, str] = {kind: f"gantrans.testing.{kind}s" for kind in KINDS}
_HOME["loss"] = "gantrans.testing.losses"


def checks_of(kind: Kind) -> tuple[Check, ...]:
    """What a component of `kind` is checked for, in order. Imports torch for some kinds."""
    own: tuple[Check, ...] = import_module(_HOME[kind]).CHECKS
    return every.CHECKS + own
