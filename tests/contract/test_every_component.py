from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import BaseModel

from gantrans.api.component import KINDS
from gantrans.errors import PluginError
from gantrans.plugin.registry import Entry, Registry


def test_every_kind_has_a_component_and_none_is_broken(registry: Registry) -> None:
    assert {entry.ref.kind for entry in registry} == set(KINDS)
    assert registry.broken == []


def test_it_says_what_it_is(entry: Entry, registry: Registry) -> None:
    component = registry.component(entry.ref.kind, entry.ref.name)
    assert entry.ref.summary.strip()
    assert "\n" not in entry.ref.summary
    own = vars(component)["__doc__"] or ""
    assert own.strip(), f"{component.__name__} has no docstring"
    assert component.summary().endswith(".")


def models(config: BaseModel) -> list[type[BaseModel]]:
    """The config's class, and those of the tables in it."""
    inner = [getattr(config, key) for key in type(config).model_fields]
    return [type(config)] + [m for v in inner if isinstance(v, BaseModel) for m in models(v)]


def test_every_setting_is_described(config: Any) -> None:
    for model in models(config):
        for key, field in model.model_fields.items():
            assert (field.description or "").strip(), f"{model.__qualname__}.{key}"


def test_its_settings_survive_json(entry: Entry, config: Any, registry: Registry) -> None:
    table = json.loads(json.dumps(config.model_dump(mode="json")))
    assert table["type"] == entry.ref.name
    again = registry.config(entry.ref.kind, entry.ref.name, table)
    assert again == config
    assert again.model_dump(mode="json") == table


def test_its_settings_are_frozen_and_unknown_ones_refused(
    entry: Entry, config: Any, registry: Registry
) -> None:
    for key in type(config).model_fields:
        with pytest.raises(ValueError, match="frozen"):
            setattr(config, key, getattr(config, key))
    with pytest.raises(PluginError, match="no_such_setting: unknown key"):
        registry.config(entry.ref.kind, entry.ref.name, {"no_such_setting": 1})
