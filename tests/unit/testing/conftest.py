"""The kit is tested with components that have one fault each, which one check has to find."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gantrans.api.component import ComponentRef
from gantrans.plugin.registry import Entry, Origin, Registry
from gantrans.testing.check import Outcome
from gantrans.testing.kit import checks_of
from gantrans.testing.subject import Subject

Try = Callable[..., Outcome]


@pytest.fixture
def subject_of(builtins: Registry) -> Callable[..., Subject]:
    """A component class as the kit sees it, registered beside the built-in ones."""

    def make(component: Any, ref: ComponentRef | None = None, **settings: Any) -> Subject:
        registry = Registry()
        for entry in builtins:
            registry.add(entry)
        name = f"{component.__module__}:{component.__name__}"
        ref = ref or ComponentRef(component.kind, component.name, name, "faulty")
        entry = Entry(ref, Origin("faulty-plugin", "1.0"), lambda: component)
        registry.add(entry)
        return Subject(registry, entry, settings)

    return make


@pytest.fixture
def outcome(subject_of: Callable[..., Subject]) -> Try:
    """What one check, by name, says of a component class."""

    def of(component: Any, check: str, **settings: Any) -> Outcome:
        [found] = [one for one in checks_of(component.kind) if one.name == check]
        return found.of(subject_of(component, **settings))

    return of


@pytest.fixture
def is_sound(subject_of: Callable[..., Subject]) -> Callable[[Any], None]:
    """Fails unless a component class passes every check of its kind."""

    def check(component: Any) -> None:
        subject = subject_of(component)
        found = {one.name: one.of(subject) for one in checks_of(component.kind)}
        assert {k: o.message for k, o in found.items() if o.status == "failed"} == {}
        assert "ok" in {outcome.status for outcome in found.values()}

    return check
