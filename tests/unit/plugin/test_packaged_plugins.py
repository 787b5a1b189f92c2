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


def only(*names: str) -> dict[str, str]:
    """An environment that loads these, whatever else is installed where the tests run."""
    return {"GANTRANS_PLUGINS": ", ".join(names)}


class Clock:
    """Seconds that pass when a plugin says so."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


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
        ("api_version = 2", "written for version 2 of the plugin interface, this gantrans has 1"),
        ("api_version = '1'", "api_version = '1': give the version"),
        (hooked("return [ComponentRef('loss', 'x', 'a:B', 5)]"), "summary of the loss 'x' is no"),
        (hooked("raise BaseException"), "BaseException"),
        (hooked("raise ValueError('two\\nlines')"), "ValueError: two lines"),
        (hooked("raise ValueError(1000 * 'x')"), f"ValueError: {297 * 'x'}..."),
        (f"{IMPORTS}@hookimpl\ndef gantrans_components(typo):\n    return []", "typo"),
    ],
)
def test_a_broken_plugin_is_reported_and_the_others_load(
    code: str, reason: str, install: Any, hook: Any
) -> None:
    install("aaa-broken", code)
    install("zenith", hook("glow"))
    registry = load_registry(environ=only("aaa-broken", "zenith"))
    [broken] = registry.broken
    assert str(broken.origin) == "aaa-broken 1.0"
    assert "\n" not in broken.reason
    assert reason in broken.reason
    assert losses_of(registry, "aaa-broken") == []
    assert losses_of(registry, "zenith") == ["glow"]
    assert registry.component("loss", "cycle").name == "cycle"


def test_a_plugin_of_another_interface_version_is_not_asked_for_its_components(
    install: Any, tmp_path: Path
) -> None:
    called = f"open({str(tmp_path / 'called')!r}, 'w')"
    install("acme", f"api_version = 2\n{hooked(f'return {called}')}")
    assert [str(b.origin) for b in load_registry(environ=only("acme")).broken] == ["acme 1.0"]
    assert not (tmp_path / "called").exists()


def test_a_plugin_of_this_interface_version_is_taken_in(install: Any, hook: Any) -> None:
    install("acme", f"api_version = {gantrans.API_VERSION}\n{hook('edge')}")
    assert losses_of(load_registry(environ=only("acme")), "acme") == ["edge"]


def test_ctrl_c_while_a_plugin_loads_passes_and_names_it(
    install: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    install("acme", "raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        load_registry(environ=only("acme"))
    assert "stopped in the plugin acme 1.0; GANTRANS_PLUGINS=none" in capsys.readouterr().err


def test_the_seconds_of_a_plugin_are_those_of_its_import_and_its_hook(
    install: Any, hook: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr("gantrans.plugin.isolation.perf_counter", clock)
    monkeypatch.setattr("gantrans.clock", clock, raising=False)
    wait = "import gantrans\ngantrans.clock.now += {}\n"
    install("acme", wait.format(2) + hooked("gantrans.clock.now += 3; return []"))
    install("zenith", hook("edge"))
    seconds = {
        p.origin.name: p.seconds for p in load_registry(environ=only("acme", "zenith")).plugins
    }
    assert (seconds["acme"], seconds["zenith"]) == (5, 0)


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


def test_a_plugin_can_neither_replace_a_builtin_component_nor_make_it_unusable(
    install: Any, hook: Any
) -> None:
    install("acme", hook("cycle", "glow"))
    registry = load_registry()
    assert registry.component("loss", "cycle").__module__ == "gantrans.builtins.losses.cycle"
    [claim] = [e for e in registry if e.ref.name == "cycle" and e.origin.name == "acme"]
    assert registry.conflict(claim) == "the name is that of a built-in loss"
    assert registry.entry("loss", "glow").origin.name == "acme"


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
    names = {entry.origin.name for entry in registry}
    assert names & {"gantrans", "acme", "big-zenith"} == loaded
    assert choice is None or names == loaded


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
