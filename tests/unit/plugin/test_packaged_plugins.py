from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import gantrans
from gantrans.api.component import KINDS
from gantrans.errors import PluginError
from gantrans.plugin.manager import load_registry
from gantrans.plugin.registry import Registry

IMPORTS = "from gantrans import ComponentRef, hookimpl\n"


def hooked(body: str) -> str:
    return f"{IMPORTS}@hookimpl\ndef gantrans_components():\n    {body}\n"


def losses_of(registry: Registry, distribution: str) -> list[str]:
    return [e.ref.name for e in registry if e.origin.name == distribution]


def test_builtin_components_come_from_the_distribution_gantrans(builtins: Registry) -> None:
    assert {entry.ref.kind for entry in builtins} == set(KINDS)
    assert {(e.origin.name, e.origin.version) for e in builtins} == {
        ("gantrans", gantrans.__version__)
    }
    assert builtins.broken == []


def test_every_builtin_component_loads_under_its_registered_name(builtins: Registry) -> None:
    for entry in builtins:
        component = builtins.component(entry.ref.kind, entry.ref.name)
        assert (component.kind, component.name) == (entry.ref.kind, entry.ref.name)
        assert component.summary()


def test_an_installed_plugin_registers_without_its_code_being_imported(
    install: Any, hook: Any
) -> None:
    install("acme", hook("edge", target="acme_code_that_is_not_there:Edge"), version="2.3")
    registry = load_registry()
    entry = registry.entry("loss", "edge")
    assert (entry.origin.name, entry.origin.version) == ("acme", "2.3")
    assert entry.ref.summary == "summary of edge"
    with pytest.raises(PluginError, match=r"'edge' of acme 2\.3 cannot be loaded: ModuleNotFound"):
        registry.component("loss", "edge")


def test_components_of_two_distributions_live_side_by_side(install: Any, hook: Any) -> None:
    install("acme", hook("edge"))
    install("zenith", hook("glow"))
    registry = load_registry()
    assert losses_of(registry, "acme") == ["edge"]
    assert losses_of(registry, "zenith") == ["glow"]


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("def broken(:", "SyntaxError"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        (hooked("raise RuntimeError('no licence')"), "RuntimeError: no licence"),
        (hooked("raise SystemExit('bye')"), "SystemExit: bye"),
        (hooked("return 5"), "gave 5, no list of ComponentRef"),
        (hooked("return ['edge']"), "gave 'edge', which is no ComponentRef"),
        (hooked("return None"), "gave None, no list of ComponentRef"),
        (hooked("return [ComponentRef('los', 'x', 'a:B')]"), "kind 'los' is none of"),
        (hooked("return [ComponentRef('loss', 'My Loss', 'a:B')]"), "use lower_case letters"),
        (hooked("return [ComponentRef('loss', 'x', 'a.B')]"), "not of the form"),
        (hooked("return 2 * [ComponentRef('loss', 'x', 'a:B')]"), "the loss 'x' 2 times"),
        (hooked("yield ComponentRef('loss', 'x', 'a:B'); 1 / 0"), "ZeroDivisionError"),
        (f"{IMPORTS}def gantrans_components():\n    return []", "marked @gantrans.hookimpl"),
        (f"{IMPORTS}@hookimpl\ndef gantrans_components(typo):\n    return []", "typo"),
    ],
)
def test_a_broken_plugin_is_reported_and_the_others_load(
    code: str, reason: str, install: Any, hook: Any
) -> None:
    install("aaa-broken", code)
    install("zenith", hook("glow"))
    registry = load_registry()
    [broken] = registry.broken
    assert str(broken.origin) == "aaa-broken 1.0"
    assert reason in broken.reason
    assert losses_of(registry, "aaa-broken") == []
    assert losses_of(registry, "zenith") == ["glow"]
    assert registry.component("loss", "cycle").name == "cycle"


def test_an_unknown_name_says_which_plugin_is_broken(install: Any) -> None:
    install("acme", "raise RuntimeError('no licence')")
    with pytest.raises(PluginError, match=r"acme 1\.0 is broken: RuntimeError: no licence"):
        load_registry().entry("loss", "edge")


def test_two_plugins_with_one_name_only_trouble_who_uses_it(install: Any, hook: Any) -> None:
    install("acme", hook("edge", "glow"))
    install("zenith", hook("edge"), version="0.2")
    registry = load_registry()
    with pytest.raises(PluginError, match=r"'edge' is claimed by acme 1\.0 and zenith 0\.2"):
        registry.entry("loss", "edge")
    assert registry.entry("loss", "glow").origin.name == "acme"
    assert registry.broken == []


def test_a_plugin_cannot_silently_replace_a_builtin_component(install: Any, hook: Any) -> None:
    install("acme", hook("cycle"))
    with pytest.raises(PluginError, match=r"'cycle' is claimed by gantrans \S+ and acme 1\.0"):
        load_registry().component("loss", "cycle")


@pytest.mark.parametrize(
    ("choice", "loaded"),
    [
        (None, {"gantrans", "acme", "big-zenith"}),
        ("none", {"gantrans"}),
        ("", {"gantrans"}),
        ("acme", {"gantrans", "acme"}),
        ("Big_Zenith", {"gantrans", "big-zenith"}),
        (" acme , big-zenith", {"gantrans", "acme", "big-zenith"}),
    ],
)
def test_gantrans_plugins_limits_what_loads(
    choice: str | None, loaded: set[str], install: Any, hook: Any
) -> None:
    install("acme", hook("edge"))
    install("big-zenith", hook("glow"))
    registry = load_registry(environ={} if choice is None else {"GANTRANS_PLUGINS": choice})
    assert {entry.origin.name for entry in registry} == loaded
    assert registry.broken == []


def test_a_plugin_named_in_gantrans_plugins_but_not_installed_is_reported(
    builtins: Registry,
) -> None:
    registry = load_registry(environ={"GANTRANS_PLUGINS": "acmee"})
    [broken] = registry.broken
    assert broken.origin.name == "acmee"
    assert "GANTRANS_PLUGINS" in broken.reason
    assert {e.ref.name for e in registry} == {e.ref.name for e in builtins}


def test_a_plugin_left_out_is_not_even_imported(install: Any, tmp_path: Path) -> None:
    install("acme", f"open({str(tmp_path / 'imported')!r}, 'w').close()")
    load_registry(environ={"GANTRANS_PLUGINS": "none"})
    assert not (tmp_path / "imported").exists()
