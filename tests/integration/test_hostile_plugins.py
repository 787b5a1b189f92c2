"""Plugins that are wrong in every way we thought of: each is explained, and none troubles a run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

TWO_STEPS = ["--set", "train.epochs=1", "--set", "data.train=2", "--set", "losses.good.weight=1"]
IMPORTS = "from gantrans import ComponentRef, hookimpl\n"


def hooked(body: str, before: str = "") -> str:
    return f"{IMPORTS}{before}\n@hookimpl\ndef gantrans_components():\n    {body}\n"


def registers(name: str, target: str = "nowhere:Loss", before: str = "") -> str:
    return hooked(f"return [ComponentRef('loss', {name!r}, {target!r}, 'a loss')]", before)


@dataclass(frozen=True)
class Hostile:
    """A distribution with a hook module, and what `list-components` says of it.

    Args:
        code: of the hook module.
        status: of the plugin.
        says: why it is broken; of one that is taken in, why its component cannot be used.
        component: the loss that it registers nevertheless.
        files: more files beside the hook module; None takes one away.
    """

    code: str
    status: str = "broken"
    says: str = ""
    component: str | None = None
    files: dict[str, bytes | None] = field(default_factory=dict)


HOSTILE = {
    "raises": Hostile("raise RuntimeError('no licence')", says="RuntimeError: no licence"),
    "exits": Hostile("import sys; sys.exit(3)", says="SystemExit: 3"),
    "gone": Hostile("class Gone(BaseException): pass\nraise Gone('bye')", says="Gone: bye"),
    "speechless": Hostile(
        "class Mute(Exception):\n    def __str__(self): return 1 / 0\nraise Mute", says="Mute"
    ),
    "future": Hostile(
        "api_version = 99\n" + registers("future"),
        says="written for version 99 of the plugin interface, this gantrans has 1: "
        "install a newer gantrans",
    ),
    "vague": Hostile("api_version = 'new'", says="api_version = 'new': give the version"),
    "no-ref": Hostile(hooked("return ['edge']"), says="gave 'edge', which is no ComponentRef"),
    "forged-ref": Hostile(
        hooked(
            "return [Forged('sorcery', 'x', 'y:Z')]",
            "class Forged(ComponentRef):\n    def __post_init__(self): pass\n",
        ),
        says="which is no ComponentRef",
    ),
    "no-list": Hostile(hooked("return 5"), says="gave 5, no list of ComponentRef"),
    "no-hook": Hostile(
        f"{IMPORTS}def gantrans_components(): return []", says="marked @gantrans.hookimpl"
    ),
    "other-hook": Hostile(
        f"{IMPORTS}@hookimpl\ndef gantrans_components(extra): return []", says="extra"
    ),
    "hook-raises": Hostile(hooked("return [][0]"), says="IndexError: list index out of range"),
    "double": Hostile(
        hooked("return 2 * [ComponentRef('loss', 'double', 'nowhere:Loss')]"),
        says="it registers the loss 'double' 2 times",
    ),
    "bad-name": Hostile(registers("My Loss"), says="'My Loss': use lower_case letters, 0-9, _"),
    "no-module": Hostile(
        "",
        says="No module named 'no_module_hooks'",
        files={"no_module_hooks.py": None},
    ),
    "no-entry": Hostile(
        "",
        says="its entry point 'x' names no module: 'a module!'",
        files={"no_entry-1.0.dist-info/entry_points.txt": b"[gantrans]\nx = a module!\n"},
    ),
    "no-metadata": Hostile(
        "1 / 0",
        says="ZeroDivisionError: division by zero",
        files={"no_metadata-1.0.dist-info/METADATA": None},
    ),
    "bytes": Hostile(
        "1 / 0",
        says="ZeroDivisionError: division by zero",
        files={"bytes-1.0.dist-info/METADATA": b"\xff\xfe\x00"},
    ),
    "slow": Hostile(registers("slow", before="import time; time.sleep(1.05)"), status="slow"),
    "talks": Hostile(
        hooked("print('{'); return []", before="print('hello')\nimport sys; sys.stdout.write('[')"),
        status="ok",
    ),
    "twin-a": Hostile(registers("twin"), "ok", "also claimed by twin-b 1.0", "twin"),
    "twin-b": Hostile(registers("twin"), "ok", "also claimed by twin-a 1.0", "twin"),
    "thief": Hostile(registers("cycle"), "ok", "the name is that of a built-in loss", "cycle"),
    "no-target": Hostile(
        registers("no_target"), "ok", "ModuleNotFoundError: No module named 'nowhere'", "no_target"
    ),
    "no-class": Hostile(
        registers("no_class", "pathlib:Pathh"), "ok", "no attribute 'Pathh'", "no_class"
    ),
    "no-component": Hostile(
        registers("no_component", "pathlib:Path"),
        "ok",
        "registers pathlib:Path as the loss 'no_component', but that is <class 'pathlib.Path'>",
        "no_component",
    ),
    "no-config": Hostile(
        registers("no_config", "no_config_code:Edge"),
        "ok",
        "TypeError: Edge.Config must be a class derived from LossConfig",
        "no_config",
        {
            "no_config_code.py": b"import gantrans\nclass Edge(gantrans.Loss):\n"
            b"    name = 'no_config'\n    class Config:\n        size = 3\n"
        },
    ),
    "late": Hostile(
        registers("late", "late_code:Edge"),
        "ok",
        "the loss 'late' of late 1.0 cannot be loaded: SystemExit: too late",
        "late",
        {"late_code.py": b"print('loading'); raise SystemExit('too late')"},
    ),
}

GOOD = b"""\
import gantrans
class Good(gantrans.Loss):
    "The translation is not too bright."
    name = "good"
    requires = {"fake"}
    def generator(self, step):
        return step.fake["b"].mean() + 1
"""


@pytest.fixture
def put(install: Any, tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """Installs hostile plugins, and a good one."""
    hostile = dict(HOSTILE)
    good = Hostile(registers("good", "good_code:Good"), files={"good_code.py": GOOD})

    def put_in(*names: str) -> Path:
        for name in (*names, "good"):
            one = {**hostile, "good": good}[name]
            site: Path = install(name, one.code)
            for path, content in one.files.items():
                if content is None:
                    (site / path).unlink()
                else:
                    (site / path).write_bytes(content)
        return site

    yield put_in
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None)).startswith(str(tmp_path)):
            del sys.modules[name]


def curves(run: Path) -> dict[str, float]:
    """Every number of a run but the pace."""
    lines = (run / "metrics.jsonl").read_text().splitlines()
    paces = ("images_per_second", "waiting")
    return {
        f"{step}: {name}": value
        for step, line in enumerate(map(json.loads, lines))
        for name, value in line.items()
        if name not in paces
    }


def explained(name: str, answer: dict[str, Any]) -> bool:
    """Whether `list-components --json` says what is wrong with the plugin."""
    one = HOSTILE[name]
    [plugin] = [p for p in answer["plugins"] if p["origin"] == name]
    says = one.says if one.status == "broken" else ""
    return plugin["status"] == one.status and says in (plugin["reason"] or "")


@pytest.mark.parametrize("name", HOSTILE)
def test_it_is_explained_and_a_spec_without_it_is_valid(
    name: str, put: Any, command: Any, spec: Path
) -> None:
    put(name)
    code, out, err = command("list-components", "--json")
    assert code == 0
    assert explained(name, json.loads(out))
    assert err == ("hello\n[{\n" if name == "talks" else "")
    code, out, _ = command("validate", spec.name, *TWO_STEPS)
    assert (code, out.partition("\n")[0]) == (0, f"{spec.name}: valid")


@pytest.mark.parametrize("name", [n for n, one in HOSTILE.items() if one.status == "broken"])
def test_a_spec_that_needs_a_broken_plugin_is_told_which_and_why(
    name: str, put: Any, command: Any, spec: Path
) -> None:
    put(name)
    code, _, err = command("validate", spec.name, "--set", "losses.edge.weight=1")
    assert code == 2
    assert "losses.edge: no loss is called 'edge'" in err
    said = {"no-metadata": "no-metadata is", "bytes": "bytes is"}.get(name, f"{name} 1.0 is")
    assert f"{said} broken: " in err
    assert HOSTILE[name].says in err


@pytest.mark.parametrize("name", [n for n, one in HOSTILE.items() if one.component])
def test_a_component_that_cannot_be_used_says_why(
    name: str, put: Any, command: Any, spec: Path
) -> None:
    put(*({"twin-a", "twin-b"} if name.startswith("twin") else {name}))
    component, says = HOSTILE[name].component, HOSTILE[name].says
    if "claimed" in says or "built-in" in says:
        found = json.loads(command("list-components", "--json", "--from", name)[1])
        assert [(c["status"], c["reason"]) for c in found["components"]] == [("conflict", says)]
        return
    code, out, err = command("list-components", str(component))
    assert (code, out) == (2, "")
    assert says in err
    code, _, err = command("validate", spec.name, "--set", f"losses.{component}.weight=1")
    assert code == 2
    assert says in err


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_a_component_is_described_whoever_else_claims_its_name(
    put: Any, command: Any, form: list[str]
) -> None:
    put("thief")
    code, out, _ = command("list-components", "cycle", *form)
    assert code == 0
    assert "here and back gives the same image" in out
    assert "No module named 'nowhere'" in out


def test_one_that_is_looked_for_may_be_of_a_broken_plugin(put: Any, command: Any) -> None:
    put("future")
    code, _, err = command("list-components", "futures")
    assert code == 2
    assert "future 1.0 is broken: written for version 99" in err


def test_all_of_them_at_once_change_no_number_of_a_run(
    put: Any, command: Any, spec: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In real processes, as a user has them."""
    site = put(*HOSTILE)
    environ = {**os.environ, "PYTHONPATH": str(site)}

    def gantrans(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "gantrans", *arguments]
        return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120)

    listed = gantrans("list-components", "--json")
    assert listed.returncode == 0
    answer = json.loads(listed.stdout)
    assert [name for name in HOSTILE if not explained(name, answer)] == []
    run = ["run", spec.name, *TWO_STEPS, "--device", "cpu", "--run-dir"]
    ended = gantrans(*run, "among-them")
    assert ended.returncode == 0, ended.stderr
    assert "hello" not in ended.stdout
    said = (Path("among-them") / "log.txt").read_text()
    assert "the loss 'cycle' of thief 1.0 is not used: the name is that of a built-in loss" in said

    monkeypatch.setenv("GANTRANS_PLUGINS", "good")
    assert command(*run, "alone")[0] == 0
    alone = curves(Path("alone"))
    assert {"0: generators/good", "1: generators/good"} <= alone.keys()
    assert curves(Path("among-them")) == alone


def test_a_plugin_that_imports_torch_works_and_is_named_as_slow(put: Any) -> None:
    site = put()
    (site / "good_hooks.py").write_text(registers("good", "good_code:Good", "import torch"))
    (site / "torch.py").touch()  # in place of the real one, which takes seconds
    command = [sys.executable, "-m", "gantrans", "list-components", "--from", "good"]
    ended = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": str(site)}, capture_output=True, text=True
    )
    assert ended.returncode == 0
    assert "1 slow plugin, which every command waits for:\n  good 1.0  " in ended.stdout
    assert ended.stdout.endswith(" s, importing torch\n")
