from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import gantrans
from gantrans import cli
from gantrans.cli import main
from gantrans.errors import DataError, GantransError, RunInterruptedError, SpecError


def end_of(*arguments: str) -> int:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert isinstance(caught.value.code, int)
    return caught.value.code


@pytest.fixture
def ends_with(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes `gantrans schema` raise."""

    def use(error: BaseException) -> None:
        def fail(*_: Any, **__: Any) -> None:
            raise error

        monkeypatch.setattr("gantrans.plugin.manager.load_registry", fail)

    return use


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (DataError("no images in [summer]/x"), 1, "error: no images in [summer]/x\n"),
        (SpecError(["a.toml:1: x", "b"]), 2, "error: 2 mistakes in the spec:\na.toml:1: x\nb\n"),
        (RunInterruptedError("saved; go on with ..."), 130, "saved; go on with ...\n"),
        (KeyboardInterrupt(), 130, "interrupted\n"),
        (GantransError("x" * 300), 1, "error: " + "x" * 300 + "\n"),
        (GantransError("no \x1b[2J\u202e\x9b\udcff"), 1, "error: no \\x1b[2J\\u202e\\x9b\\udcff\n"),
    ],
)
def test_an_expected_failure_is_one_message_and_its_exit_code(
    error: BaseException, code: int, message: str, ends_with: Any, capsys: Any
) -> None:
    ends_with(error)
    assert end_of("schema") == code
    shown = capsys.readouterr()
    assert shown.err == message
    assert shown.out == ""


def test_what_nobody_expected_is_not_swallowed(ends_with: Any) -> None:
    ends_with(ZeroDivisionError("a bug"))
    with pytest.raises(ZeroDivisionError):
        main(["schema"])


@pytest.mark.parametrize(
    "arguments", [["--nope"], ["nope"], ["validate"], ["validate", "a.toml", "b.toml"], []]
)
def test_wrong_use_ends_with_2(arguments: list[str], capsys: Any) -> None:
    assert end_of(*arguments) == 2
    shown = capsys.readouterr()
    assert "Usage: gantrans" in shown.out + shown.err


def test_the_version_is_told(capsys: Any) -> None:
    assert end_of("--version") == 0
    assert capsys.readouterr().out == f"gantrans {gantrans.__version__}\n"


def test_help_lists_every_command_with_a_line_that_fits(capsys: Any) -> None:
    assert end_of("--help") == 0
    listed = capsys.readouterr().out.partition("Commands:\n")[2].splitlines()
    names = [line.split()[0] for line in listed]
    assert names == [
        "init",
        "check-data",
        "validate",
        "show-batch",
        "run",
        "bench",
        "report",
        "evaluate",
        "translate",
        "serve",
        "export",
        "import-weights",
        "export-weights",
        "list-components",
        "new-plugin",
        "check-plugin",
        "schema",
    ]
    assert all(line.endswith(".") and not line.endswith("...") for line in listed)


def test_every_command_has_a_help_page(capsys: Any) -> None:
    for command in ("init", "validate", "show-batch", "run", "translate", "schema"):
        assert end_of(command, "--help") == 0
        assert f"Usage: gantrans {command}" in capsys.readouterr().out


def test_an_interruption_that_a_command_lets_through_ends_with_130() -> None:
    code = (
        "import gantrans.plugin.manager as manager\n"
        "def stop(*_): raise KeyboardInterrupt\n"
        "manager.load_registry = stop\n"
        "from gantrans.cli import main; main(['list-components'])"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (cli.INTERRUPTED, "interrupted\n")


def test_a_closed_pipe_is_no_error() -> None:
    command = f"{sys.executable} -m gantrans list-components | true"
    ended = subprocess.run(command, shell=True, capture_output=True, text=True)
    assert ended.stderr == ""


def test_lines_for_people_are_printed_in_one_place() -> None:
    """Which writes out what would steer a terminal. JSON for programs is escaped already."""
    for file in Path(cli.__file__).parent.glob("*.py"):
        calls = [node for node in ast.walk(ast.parse(file.read_text())) if is_echo(node)]
        allowed = {"say.py": 1, "bench.py": 1, "spec.py": 1, "components.py": 1, "evaluate.py": 1}
        assert len(calls) == {**allowed, "check_plugin.py": 1}.get(file.name, 0), file


def is_echo(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "echo"
    )
