"""The same for what else is installed here, as far as it needs no settings."""

from __future__ import annotations

import pytest

from gantrans.plugin.manager import load_registry
from gantrans.testing.kit import checks_of
from gantrans.testing.subject import Subject

REGISTRY = load_registry()
OTHERS = [Subject(REGISTRY, entry) for entry in REGISTRY if not entry.origin.is_gantrans]


@pytest.mark.parametrize("subject", OTHERS, ids=str)
def test_an_installed_component_holds_what_its_kind_promises(subject: Subject) -> None:
    checks = checks_of(subject.kind)
    [builds] = [check for check in checks if check.name == "builds"]
    if builds.of(subject).status == "failed":
        pytest.skip(f"it needs settings, with which its own tests run the kit: {subject}")

    found = {check.name: check.of(subject) for check in checks}

    assert {name: one.message for name, one in found.items() if one.status == "failed"} == {}
