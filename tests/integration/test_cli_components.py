from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
import termios
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import gantrans
from gantrans.api.component import KINDS, plural

Run = Callable[..., "subprocess.CompletedProcess[str]"]

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reference" / "list-components.md").read_text(encoding="utf-8")


def documented(heading: str) -> set[str]:
    """The members that the page lists below a heading."""
    section = re.split(rf"^### {heading}$", PAGE, flags=re.M)[1].partition("\n#")[0]
    rows = [line.split(" | ")[0] for line in section.splitlines() if line.startswith("| `")]
    return {name for row in rows for name in re.findall(r"`(\w+)`", row)}


def parsed(text: str) -> list[dict[str, Any]]:
    """The components of the JSON, which has what the page says and nothing else."""
    answer = json.loads(text)
    assert answer.keys() == documented("The answer")
    assert answer["format_version"] == 1
    assert all(plugin.keys() == documented("A plugin") for plugin in answer["plugins"])
    components: list[dict[str, Any]] = answer["components"]
    return components


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


def test_the_list_is_grouped_by_kind_and_aligned(cli: Run) -> None:
    ended = cli("list-components", GANTRANS_PLUGINS="none")
    assert ended.returncode == 0
    *blocks, total = ended.stdout.rstrip("\n").split("\n\n")
    assert [block.partition("\n")[0] for block in blocks] == [plural(k).upper() for k in KINDS]
    [losses] = [block.splitlines() for block in blocks if block.startswith("LOSSES\n")]
    assert "  cycle " in {line[:8] for line in losses}
    rows = [line for block in blocks for line in block.splitlines()[1:]]
    own = f"  gantrans {gantrans.__version__}"
    assert {(line.index(own), line.endswith(own)) for line in rows} == {(rows[0].index(own), True)}
    assert total == f"{len(rows)} components of 1 plugin"


def test_json_has_an_object_for_every_component(cli: Run) -> None:
    rows = parsed(cli("list-components", "--json", GANTRANS_PLUGINS="none").stdout)
    assert all(row.keys() == documented("A component") for row in rows)
    assert {(row["status"], row["reason"]) for row in rows} == {("ok", None)}
    [cycle] = [row for row in rows if (row["kind"], row["name"]) == ("loss", "cycle")]
    assert (cycle["kind"], cycle["origin"]) == ("loss", "gantrans")
    assert cycle["version"] == gantrans.__version__


def test_the_list_can_be_limited_to_a_kind_a_text_and_a_plugin(
    command: Any, install: Any, hook: Any
) -> None:
    install("big-zenith", hook("glow", "edge"))

    def names(*arguments: str) -> list[str]:
        code, out, _ = command("list-components", "--json", *arguments)
        assert code == 0
        return [row["name"] for row in parsed(out)]

    assert {"psnr", "ssim"} <= set(names("--kind", "metric"))
    assert "identity" not in names("--kind", "metric")
    assert names("--from", "Big_Zenith") == ["edge", "glow"]
    assert names("--search", "SUMMARY of gl") == ["glow"]
    assert names("--search", "glow", "--kind", "metric") == []
    assert "cycle" in names("--from", "gantrans", "--kind", "loss", "--search", "there and back")


def test_broken_slow_and_colliding_plugins_are_shown_beside_what_works(
    command: Any, install: Any, hook: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("acme", "raise RuntimeError('no licence')", version="3.1")
    install("zenith", hook("cycle", "glow"))
    monkeypatch.setattr("gantrans.plugin.registry.SLOW", 0.0)
    code, out, _ = command("list-components", "--json")
    assert code == 0
    rows = parsed(out)
    assert all(row.keys() == documented("A component") for row in rows)
    plugins = {plugin["origin"]: plugin for plugin in json.loads(out)["plugins"]}
    [acme, zenith] = [plugins["acme"], plugins["zenith"]]
    assert (acme["version"], acme["status"]) == ("3.1", "broken")
    assert re.fullmatch(r"RuntimeError: no licence \(\S+acme_hooks\.py:1\)", acme["reason"])
    assert (zenith["status"], zenith["reason"], zenith["imports_torch"]) == ("slow", None, False)
    cycles = {row["origin"]: row for row in rows if (row["kind"], row["name"]) == ("loss", "cycle")}
    assert (cycles["gantrans"]["status"], cycles["zenith"]["status"]) == ("ok", "conflict")
    assert cycles["zenith"]["reason"] == "the name is that of a built-in loss"
    [glow] = [row for row in rows if row["name"] == "glow"]
    assert (glow["status"], glow["summary"]) == ("ok", "summary of glow")

    text = command("list-components", "--from", "zenith")[1]
    assert "zenith 1.0  conflict: the name is that of a built-in loss\n" in text
    assert "\n1 slow plugin, which every command waits for:\n  zenith 1.0  0.0 s\n" in text
    text = command("list-components", "--from", "acme")[1]
    assert "\n1 broken plugin:\n  acme 3.1  RuntimeError: no licence (" in text


def test_on_a_narrow_terminal_lines_fit_and_headings_stand_out() -> None:
    terminal, end = pty.openpty()
    termios.tcsetwinsize(end, (40, 64))
    command = [sys.executable, "-m", "gantrans", "list-components", "--kind", "loss"]
    environ = {**os.environ, "GANTRANS_PLUGINS": "none", "TERM": "xterm"}
    environ.pop("COLUMNS", None)
    subprocess.run(command, env=environ, stdin=end, stdout=end, check=True)
    os.close(end)
    listed = os.read(terminal, 100_000).decode()
    assert listed.startswith("\x1b[1mLOSSES\x1b[0m\r\n  adversarial ")
    assert 40 < max(map(len, listed.splitlines()[1:])) <= 64


def test_in_a_pipe_there_are_no_colour_codes(cli: Run) -> None:
    assert "\x1b" not in cli("list-components", "--kind", "metric").stdout


def test_a_one_file_plugin_is_listed(command: Any) -> None:
    Path("mine.py").write_text(
        "import gantrans\nclass G(gantrans.Loss):\n    'Glow.'\n    name = 'glow'\n"
    )
    _, out, _ = command("list-components", "--json", "--plugin", "mine.py")
    [glow] = [row for row in parsed(out) if row["name"] == "glow"]
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
    [seasons] = parsed(command("list-components", "seasons", "--json")[1])
    assert seasons.keys() == documented("A component") | documented("A described component")
    assert {key for row in seasons["keys"] for key in row} == documented("A key")
    by_key = {key["key"]: key for key in seasons["keys"]}
    assert by_key["transform.crop"]["type"] == "int >= 1"
    assert by_key["transform.crop"]["default"] == "absent"
    assert by_key["size"]["meaning"]


def test_a_component_is_described_with_its_presets_and_its_file(command: Any) -> None:
    out = command("list-components", "resnet")[1]
    assert "\n  PRESET  STANDS FOR\n  6       blocks = 6\n" in out
    assert re.search(r"\nFile: .*generators/resnet\.py\n", out)
    [resnet] = parsed(command("list-components", "resnet", "--json")[1])
    assert resnet["presets"]["6"] == "blocks = 6"
    assert resnet["requires"] is None


def test_a_loss_is_described_with_what_it_reads(command: Any) -> None:
    assert "\nReads of a step: real, cycle\n" in command("list-components", "cycle")[1]
    [cycle] = parsed(command("list-components", "cycle", "--kind", "loss", "--json")[1])
    assert cycle["requires"] == ["cycle"]


def test_rivals_are_described_both(command: Any) -> None:
    Path("mine.py").write_text(
        "import gantrans\nclass C(gantrans.Loss):\n    'Mine.'\n    name = 'cycle'\n"
    )
    out = command("list-components", "cycle", "--plugin", "mine.py")[1]
    assert f"conflict: also claimed by gantrans {gantrans.__version__}\n\nMine.\n" in out
    assert "There and back gives the same image" in out


def test_a_component_without_keys_says_so(command: Any) -> None:
    assert "It has no keys." in command("list-components", "none")[1]


def test_a_name_in_several_kinds_shows_all_unless_a_kind_is_given(command: Any) -> None:
    Path("mine.py").write_text("import gantrans\nclass S(gantrans.Loss):\n    name = 'psnr'\n")
    both = command("list-components", "psnr", "--json", "--plugin", "mine.py")[1]
    assert [one["kind"] for one in parsed(both)] == ["loss", "metric"]
    one = command("list-components", "psnr", "--json", "--kind", "loss", "--plugin", "mine.py")[1]
    assert [one["kind"] for one in parsed(one)] == ["loss"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["resnt"], "error: no component is called 'resnt'; did you mean 'resnet'?\n"),
        (["identity", "--kind", "metric"], "error: no metric is called 'identity'"),
        (["--from", "gantran"], "error: no plugin is called 'gantran'; did you mean 'gantrans'"),
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
