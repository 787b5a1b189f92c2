from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import gantrans

Run = Callable[..., "subprocess.CompletedProcess[str]"]

KEYS = {"kind", "name", "summary", "origin", "version", "status", "reason"}


@pytest.fixture
def cli(tmp_path: Path) -> Run:
    """`gantrans` in a process of its own, which also sees what `install` installed."""

    def run(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        env = {**os.environ, "PYTHONPATH": str(tmp_path / "site"), **environ}
        command = [sys.executable, "-m", "gantrans", *arguments]
        return subprocess.run(command, env=env, capture_output=True, text=True, timeout=120)

    return run


@pytest.mark.parametrize(
    "arguments", [["--help"], ["list-components"], ["list-components", "--json"]]
)
def test_no_torch_is_imported(arguments: list[str]) -> None:
    code = (
        "import atexit, sys\n"
        "atexit.register(lambda: print('torch' in sys.modules, file=sys.stderr))\n"
        f"from gantrans.cli import main; main({arguments!r})"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ended.returncode == 0
    assert ended.stderr == "False\n"


def test_the_list_says_kind_name_summary_and_origin(cli: Run) -> None:
    ended = cli("list-components", GANTRANS_PLUGINS="none")
    assert ended.returncode == 0
    rows = [line.split() for line in ended.stdout.splitlines()]
    assert ["loss", "cycle"] in [row[:2] for row in rows]
    assert all(row[-2:] == ["gantrans", gantrans.__version__] for row in rows)
    starts = {line.index(f" gantrans {gantrans.__version__}") for line in ended.stdout.splitlines()}
    assert len(starts) == 1  # aligned


def test_json_has_an_object_for_every_component(cli: Run) -> None:
    rows = json.loads(cli("list-components", "--json", GANTRANS_PLUGINS="none").stdout)
    assert all(row.keys() == KEYS for row in rows)
    assert {(row["status"], row["reason"]) for row in rows} == {("ok", None)}
    [cycle] = [row for row in rows if row["name"] == "cycle"]
    assert (cycle["kind"], cycle["origin"]) == ("loss", "gantrans")
    assert cycle["version"] == gantrans.__version__


def test_kind_limits_the_list(cli: Run) -> None:
    rows = json.loads(
        cli("list-components", "--json", "--kind", "metric", GANTRANS_PLUGINS="none").stdout
    )
    assert [row["name"] for row in rows] == ["psnr", "ssim"]


def test_broken_plugins_and_conflicts_are_shown_beside_what_works(
    cli: Run, install: Any, hook: Any
) -> None:
    install("acme", "raise RuntimeError('no licence')", version="3.1")
    install("zenith", hook("cycle", "glow"))
    ended = cli("list-components", "--json")
    assert ended.returncode == 0
    rows = json.loads(ended.stdout)
    assert all(row.keys() == KEYS for row in rows)
    assert {
        "kind": None,
        "name": None,
        "summary": "",
        "origin": "acme",
        "version": "3.1",
        "status": "broken",
        "reason": "RuntimeError: no licence",
    } in rows
    cycles = {row["origin"]: row for row in rows if row["name"] == "cycle"}
    assert {row["status"] for row in cycles.values()} == {"conflict"}
    assert cycles["gantrans"]["reason"] == "also claimed by zenith 1.0"
    [glow] = [row for row in rows if row["name"] == "glow"]
    assert (glow["status"], glow["summary"]) == ("ok", "summary of glow")

    text = cli("list-components").stdout
    assert "conflict: also claimed by zenith 1.0" in text
    assert "Broken plugins:\nacme 3.1  RuntimeError: no licence\n" in text


def test_a_one_file_plugin_is_listed(command: Any) -> None:
    Path("mine.py").write_text(
        "import gantrans\nclass G(gantrans.Loss):\n    'Glow.'\n    name = 'glow'\n"
    )
    _, out, _ = command("list-components", "--json", "--plugin", "mine.py")
    [glow] = [row for row in json.loads(out) if row["name"] == "glow"]
    assert (glow["summary"], glow["origin"], glow["version"]) == ("Glow.", "mine.py", None)


def test_a_component_is_documented_with_all_its_keys(command: Any) -> None:
    code, out, _ = command("list-components", "resnet")
    assert code == 0
    assert out.startswith(f"generator resnet (gantrans {gantrans.__version__})\n")
    assert "Nine blocks are the paper's choice" in out
    lines = {line.split()[0]: line for line in out.splitlines() if line.strip()}
    assert "a normalizer" in lines["norm"]
    assert '"instance"' in lines["norm"]
    assert '"transpose" | "nearest"' in lines["upsample"]
    assert "residual blocks" in lines["blocks"]


def test_keys_of_tables_inside_are_documented_too(command: Any) -> None:
    [seasons] = json.loads(command("list-components", "seasons", "--json")[1])
    assert seasons.keys() == KEYS | {"documentation", "keys"}
    by_key = {key["key"]: key for key in seasons["keys"]}
    assert by_key["transform.crop"]["type"] == "int >= 1"
    assert by_key["transform.crop"]["default"] == "absent"
    assert by_key["size"]["meaning"]


def test_a_component_without_keys_says_so(command: Any) -> None:
    assert "It has no keys." in command("list-components", "none")[1]


def test_a_name_in_several_kinds_shows_all_unless_a_kind_is_given(command: Any) -> None:
    Path("mine.py").write_text("import gantrans\nclass S(gantrans.Loss):\n    name = 'ssim'\n")
    both = command("list-components", "ssim", "--json", "--plugin", "mine.py")[1]
    assert [one["kind"] for one in json.loads(both)] == ["loss", "metric"]
    one = command("list-components", "ssim", "--json", "--kind", "loss", "--plugin", "mine.py")[1]
    assert [one["kind"] for one in json.loads(one)] == ["loss"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["resnt"], "error: no component is called 'resnt'; did you mean 'resnet'?\n"),
        (["cycle", "--kind", "metric"], "error: no metric is called 'cycle'"),
        (["--kind", "los"], "error: there is no kind 'los'; did you mean 'loss'?"),
    ],
)
def test_an_unknown_name_or_kind_ends_with_2_and_the_nearest(
    arguments: list[str], message: str, cli: Run
) -> None:
    ended = cli("list-components", *arguments)
    assert ended.returncode == 2
    assert ended.stderr.startswith(message)
    assert ended.stdout == ""


def test_describing_a_component_whose_code_is_missing_says_so(
    cli: Run, install: Any, hook: Any
) -> None:
    install("acme", hook("edge"))
    ended = cli("list-components", "edge")
    assert ended.returncode == 2
    assert ended.stderr.startswith("error: the loss 'edge' of acme 1.0 cannot be loaded: ")
    assert "Traceback" not in ended.stderr
