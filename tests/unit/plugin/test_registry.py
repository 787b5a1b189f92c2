from __future__ import annotations

import sys
from typing import Any

import pytest

from gantrans.api.component import KINDS, ComponentRef
from gantrans.builtins.losses.cycle import Cycle
from gantrans.errors import PluginError
from gantrans.plugin.registry import Entry, Origin, Registry


def registry_of(load: Any, name: str = "edge") -> Registry:
    registry = Registry()
    registry.add(Entry(ComponentRef("loss", name, "acme:Edge"), Origin("acme", "1.0"), load))
    return registry


def test_entries_come_by_kind_then_by_name(builtins: Registry) -> None:
    found = [(KINDS.index(e.ref.kind), e.ref.name) for e in builtins]
    assert found == sorted(found)


def test_an_unknown_name_gets_the_nearest_one(builtins: Registry) -> None:
    with pytest.raises(PluginError, match="no generator is called 'resnt'; did you mean 'resnet'"):
        builtins.entry("generator", "resnt")


def test_a_name_unlike_any_other_is_said_to_need_its_plugin(builtins: Registry) -> None:
    with pytest.raises(PluginError, match="install that plugin or name its file in `plugins`"):
        builtins.entry("loss", "perceptual")


def test_names_are_looked_up_within_their_kind(builtins: Registry) -> None:
    with pytest.raises(PluginError, match="no metric is called 'resnet'"):
        builtins.entry("metric", "resnet")


def test_config_fills_in_defaults_and_slots(builtins: Registry) -> None:
    config = builtins.config("generator", "resnet", {"type": "resnet", "norm": "batch"})
    assert config.width == 64
    assert config.norm.component.name == "batch"


def test_config_reports_every_wrong_value(builtins: Registry) -> None:
    with pytest.raises(PluginError) as caught:
        builtins.config(
            "generator", "resnet", {"width": 0, "norm": {"type": "instance", "afine": 1}}
        )
    message = str(caught.value)
    assert "width: must be at least 1; found 0" in message
    assert "norm.afine: unknown key; did you mean 'affine'?" in message


def test_code_that_ends_the_process_is_a_broken_component() -> None:
    with pytest.raises(PluginError, match=r"'edge' of acme 1\.0 cannot be loaded: SystemExit"):
        registry_of(lambda: sys.exit(3)).component("loss", "edge")


@pytest.mark.parametrize(
    ("loaded", "said"), [(Cycle, "that is the loss 'cycle'"), (int, "int"), (5, "5")]
)
def test_a_reference_to_something_else_is_refused(loaded: Any, said: str) -> None:
    with pytest.raises(PluginError, match=r"acme 1\.0 registers acme:Edge as the loss") as caught:
        registry_of(lambda: loaded).component("loss", "edge")
    assert said in str(caught.value)


def test_rivals_are_the_other_claims_to_a_name() -> None:
    registry = registry_of(lambda: Cycle)
    registry.add(Entry(ComponentRef("loss", "edge", "b:C"), Origin("zenith", "2"), lambda: Cycle))
    first, second = registry
    assert [str(o) for o in registry.rivals(first)] == ["zenith 2"]
    assert [str(o) for o in registry.rivals(second)] == ["acme 1.0"]
