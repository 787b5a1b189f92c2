from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from gantrans.api.component import KINDS, ComponentRef
from gantrans.builtins.losses.cycle import Cycle
from gantrans.errors import PluginError
from gantrans.plugin.registry import Entry, Origin, Plugin, Registry


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


def registry_with(*origins: Origin) -> Registry:
    registry = Registry()
    for origin in origins:
        registry.add(Entry(ComponentRef("loss", "edge", "a:B"), origin, lambda: Cycle))
    return registry


def test_two_packages_with_one_name_make_it_unusable_for_both() -> None:
    registry = registry_with(Origin("acme", "1.0"), Origin("zenith", "2"))
    assert [registry.conflict(e) for e in registry] == [
        "also claimed by zenith 2",
        "also claimed by acme 1.0",
    ]
    with pytest.raises(PluginError, match=r"claimed by acme 1\.0 and zenith 2: uninstall one"):
        registry.entry("loss", "edge")


def test_a_builtin_component_keeps_its_name() -> None:
    registry = registry_with(Origin("gantrans", "1"), Origin("acme", "1.0"), Origin("zenith", "2"))
    reasons = [registry.conflict(e) for e in registry]
    assert reasons == [None] + 2 * ["the name is that of a built-in loss"]
    assert registry.entry("loss", "edge").origin.name == "gantrans"


def test_a_file_that_takes_a_builtin_name_is_refused_since_someone_asked_for_it() -> None:
    registry = registry_with(Origin("gantrans", "1"), Origin("my.py", file=Path("/my.py")))
    with pytest.raises(PluginError, match=r"claimed by gantrans 1 and /my\.py: rename one"):
        registry.entry("loss", "edge")


def test_an_alone_component_is_in_no_conflict() -> None:
    registry = registry_of(lambda: Cycle)
    assert [registry.conflict(entry) for entry in registry] == [None]


@pytest.mark.parametrize(
    ("plugin", "slow"),
    [
        (Plugin(Origin("acme"), seconds=0.9), False),
        (Plugin(Origin("acme"), seconds=1.0), True),
        (Plugin(Origin("acme"), seconds=0.1, imports_torch=True), True),
        (Plugin(Origin("my.py", file=Path("/my.py")), seconds=9, imports_torch=True), False),
    ],
)
def test_slow_is_an_installed_plugin_that_every_command_waits_for(
    plugin: Plugin, slow: bool
) -> None:
    assert plugin.is_slow is slow


def test_what_a_component_prints_when_it_is_imported_is_no_output(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def load() -> Any:
        print("hello")
        return 5

    with pytest.raises(PluginError):
        registry_of(load).component("loss", "edge")
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", "hello\n")
