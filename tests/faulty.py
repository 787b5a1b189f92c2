"""Components with a fault: a sound class with some of its parts exchanged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest


def faulty(sound: type[Any], **parts: Any) -> type[Any]:
    """The class with other methods or attributes, as a component of its own."""
    return type("Faulty", (sound,), {"name": "faulty", "__doc__": "Faulty.", **parts})


def fault(check: str, component: Any, words: str) -> Any:
    """The check that has to find it, and words of its message that say what to change."""
    return pytest.param(check, component, words, id=f"{check}-{words[:24]}")


def unproven(faults: Sequence[Any], checks: Sequence[Any]) -> set[str]:
    """Checks that no fault is known for, so that they might never fail."""
    return {check.name for check in checks} - {param.values[0] for param in faults}


def built(then: Callable[[Any], None]) -> Callable[..., None]:
    """An `__init__` that goes on after that of the base class."""

    def init(self: Any, config: Any, **runtime: Any) -> None:
        super(type(self), self).__init__(config, **runtime)
        then(self)

    return init
