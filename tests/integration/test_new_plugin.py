"""What `gantrans new-plugin` writes works as it is written: for every kind, in both forms.

The names are those of the how-to pages, whose examples are these files: they are tested too.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import gantrans
from gantrans.api.component import KINDS, Kind
from gantrans.cli import main
from gantrans.scaffold.naming import naming
from gantrans.scaffold.write import component, spec_piece
from gantrans.testing.kit import checks_of
from gantrans.testing.target import subjects_of
from tiny_run import tiny_spec

ROOT = Path(__file__).parents[2]
Command = Callable[..., tuple[int, str, str]]

NAMES: dict[Kind, str] = {
    "generator": "small",
    "discriminator": "patches",
    "normalizer": "pixel_norm",
    "loss": "keep_mean",
    "dataset": "shapes",
    "method": "one_way",
    "metric": "absolute_error",
    "tracker": "table",
}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `packages`, one of each kind, and `files`, the same as one-file plugins."""
    folder = tmp_path_factory.mktemp("written")
    for kind, name in NAMES.items():
        for options in (["packages"], ["files", "--single-file"]):
            with pytest.raises(SystemExit) as end:
                main(["new-plugin", kind, name, "--dir", str(folder / options[0]), *options[1:]])
            assert not end.value.code
    return folder


@pytest.fixture(scope="module")
def site(written: Path) -> Path:
    """Where pip has installed all packages."""
    site = written / "site"
    arguments = ["--quiet", "--no-deps", "--no-build-isolation", "--no-compile", "--no-index"]
    packages = sorted((written / "packages").iterdir())
    tool("pip", "install", *arguments, "--target", site, *packages)
    return site


def tool(*command: object, cwd: Path | None = None, **environ: str) -> str:
    """What a module prints that is run as a program; a failure shows it."""
    ended = subprocess.run(
        [sys.executable, "-m", *map(str, command)],
        cwd=cwd,
        env={**os.environ, "OMP_NUM_THREADS": "1", **environ},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def test_ruff_finds_nothing_in_what_is_written(written: Path) -> None:
    """By its default settings, and by those that the packages state."""
    for command in (["check"], ["format", "--check"]):
        tool("ruff", *command, "--no-cache", "--isolated", "packages", "files", cwd=written)
        tool("ruff", *command, "--no-cache", "packages", cwd=written)


@pytest.mark.parametrize("name", ["a", "a" * 40])
def test_ruff_finds_nothing_whatever_the_length_of_the_name(tmp_path: Path, name: str) -> None:
    for kind in KINDS:
        with pytest.raises(SystemExit):
            main(["new-plugin", kind, name, "--dir", str(tmp_path / kind)])
    tool("ruff", "check", "--no-cache", "--isolated", ".", cwd=tmp_path)
    tool("ruff", "format", "--check", "--no-cache", "--isolated", ".", cwd=tmp_path)


def test_mypy_finds_nothing_in_what_is_written(written: Path) -> None:
    """Strictly, with this project's settings: its cache then knows torch, which saves a minute."""
    settings = ["--config-file", ROOT / "pyproject.toml", "--cache-dir", ROOT / ".mypy_cache"]
    code = [*(written / "packages").rglob("*.py"), *(written / "files").iterdir()]

    tool("mypy", "--strict", *settings, *sorted(code), cwd=written)


def test_the_packages_pass_their_own_tests(written: Path, site: Path) -> None:
    arguments = ["-q", "-p", "no:cacheprovider", "--import-mode=importlib", "--strict-markers"]
    said = tool("pytest", *arguments, "packages", "--rootdir=.", cwd=written, PYTHONPATH=str(site))

    passed = re.search(r"(\d+) passed", said)
    assert passed
    assert int(passed[1]) > 100  # the kit has about twenty checks for each


def test_the_packages_are_listed(site: Path) -> None:
    said = tool("gantrans", "list-components", PYTHONPATH=str(site))

    for name in NAMES.values():
        distribution = f"gantrans-{name.replace('_', '-')} 0.1.0"
        assert re.search(rf"\b{name} .*{distribution}", said), name
    assert "broken" not in said.lower()


@pytest.mark.parametrize("kind", KINDS)
def test_the_kit_finds_nothing_in_the_single_file(
    written: Path, kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GANTRANS_PLUGINS", "none")
    [subject] = subjects_of(f"{NAMES[kind]}.py", base_dir=written / "files")

    outcomes = {check.name: check.of(subject) for check in checks_of(kind)}

    assert {name: o.message for name, o in outcomes.items() if o.status == "failed"} == {}
    assert "ok" in {outcome.status for outcome in outcomes.values()}


@pytest.mark.parametrize("kind", KINDS)
def test_the_single_file_trains_with_its_piece_of_a_spec(
    written: Path, kind: Kind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GANTRANS_PLUGINS", "none")
    piece = tomllib.loads(spec_piece(naming(kind, NAMES[kind])))
    small: dict[str, Any] = {
        "generator": {"width": 4},
        "dataset": {"size": 32},
        "normalizer": {"width": 4, "blocks": 1},
    }
    spec = tiny_spec(train={"epochs": 1, "log_every": 1})
    for section, table in piece.items():
        replaces = kind == "method" or "type" in table
        spec[section] = {**({} if replaces else spec.get(section, {})), **table}
        if section in ("generator", "data"):
            spec[section] |= small.get(kind, {})
    spec["data"] |= {"train": 2, "test": 1}
    spec["plugins"] = [str(written / "files" / f"{NAMES[kind]}.py")]

    result = gantrans.run(spec, run_dir=tmp_path / "run", device="cpu")

    assert result.steps == 2
    if kind == "metric":
        assert all("absolute_error" in metrics for metrics in result.metrics.values())
    if kind == "tracker":
        assert (tmp_path / "run" / "table.csv").read_text().startswith("step,curve,value\n1,")


@pytest.mark.parametrize("kind", KINDS)
def test_a_how_to_pages_example_is_what_is_written(kind: Kind) -> None:
    page = (ROOT / "docs" / "how-to" / f"write-a-{kind}.md").read_text(encoding="utf-8")
    name = NAMES[kind]

    assert f"```python\n# {name}.py\n{component(naming(kind, name))}```\n" in page
    assert f"gantrans new-plugin {kind} {name} --single-file\n" in page


def test_the_last_lines_are_commands_and_toml_to_copy(command: Command, tmp_path: Path) -> None:
    code, said, _ = command("new-plugin", "loss", "keep-mean", "--dir", "my plugins")

    assert code == 0
    assert "called keep_mean" in said
    lines = [line.strip() for line in said.splitlines()]
    assert "python -m pip install -e 'my plugins/gantrans-keep-mean'" in lines
    assert "gantrans list-components keep_mean" in lines
    assert "gantrans check-plugin gantrans-keep-mean" in lines
    piece = "\n".join(lines[lines.index("in a spec:") + 1 :])
    assert tomllib.loads(piece) == {"losses": {"keep_mean": {"weight": 1.0}}}
    files = {
        p.relative_to(tmp_path / "my plugins/gantrans-keep-mean").as_posix()
        for p in (tmp_path / "my plugins").rglob("*")
        if p.is_file()
    }
    assert files <= set(lines)
    assert files >= {"pyproject.toml", "README.md", ".gitignore", "tests/test_keep_mean.py"}


def test_of_a_single_file_too(command: Command, tmp_path: Path) -> None:
    code, said, _ = command("new-plugin", "loss", "keep_mean", "--single-file")

    assert code == 0
    assert [p.name for p in tmp_path.iterdir()] == ["keep_mean.py"]
    lines = [line.strip() for line in said.splitlines()]
    assert "gantrans check-plugin keep_mean.py" in lines
    piece = tomllib.loads("\n".join(lines[lines.index("in a spec:") + 1 :]))
    assert piece["plugins"] == ["keep_mean.py"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["los", "keep_mean"], "no kind 'los'; did you mean 'loss'"),
        (["loss", "Keep Mean"], "as in 'keep_mean'"),
        (["loss", "cycle"], "the loss 'cycle' exists already, in gantrans"),
        (["loss", "random", "--single-file"], "random.py would stand in the way"),
    ],
)
def test_what_cannot_be_is_one_message_and_writes_nothing(
    command: Command, tmp_path: Path, arguments: list[str], said: str
) -> None:
    code, out, err = command("new-plugin", *arguments)

    assert (code, out) == (2, "")
    assert said in err
    assert len(err.splitlines()) == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("options", [[], ["--single-file"]])
def test_what_is_there_is_not_overwritten(
    command: Command, tmp_path: Path, options: list[str]
) -> None:
    command("new-plugin", "loss", "keep_mean", *options)
    [path] = tmp_path.iterdir()
    mine = path if path.is_file() else path / "README.md"
    mine.write_text("mine")

    code, _, err = command("new-plugin", "loss", "keep_mean", *options)

    assert code == 2
    assert "exists already and is not overwritten" in err
    assert mine.read_text() == "mine"


def test_it_imports_no_torch(tmp_path: Path) -> None:
    code = (
        "import atexit, sys\n"
        "atexit.register(lambda: print('torch' in sys.modules, file=sys.stderr))\n"
        "from gantrans.cli import main; main(['new-plugin', 'loss', 'keep_mean'])"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True
    )

    assert (ended.returncode, ended.stderr) == (0, "False\n")
