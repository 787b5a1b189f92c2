"""The documents say what is so: specs validate, commands and links exist, and more.

A block of Python that begins with a comment such as `# my_loss.py` is a plugin of that name for the
TOML blocks of its page. A block of TOML with data and losses is a whole spec; any other is a piece
of one, and is laid over a small spec that runs.
"""

from __future__ import annotations

import ast
import json
import re
import shlex
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer

import gantrans
from gantrans.cli.app import app
from gantrans.spec.load import Source, load
from gantrans.training.contradictions import check
from tiny_run import tiny_spec

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("plugins/*/README.md")]
)
EXAMPLES = sorted((ROOT / "examples").glob("*.toml"))
COMMANDS = typer.main.get_command(app).commands

SMALL = tiny_spec(losses={"identity": None})


@dataclass(frozen=True)
class Block:
    page: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks(page: Path, *languages: str) -> Iterator[Block]:
    """The fenced blocks of a page in the given languages."""
    text = page.read_text(encoding="utf-8")
    for found in re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        if found[1] in languages:
            yield Block(page, text[: found.start()].count("\n") + 1, found[1], found[2])


def every(*languages: str) -> list[Any]:
    """All such blocks of all pages, as parameters of a test."""
    return [pytest.param(b, id=str(b)) for page in PAGES for b in blocks(page, *languages)]


def prose(page: Path) -> str:
    return re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)


def write_plugins(page: Path, folder: Path) -> dict[str, str]:
    """The plugins that a page shows, written into `folder`, by file name."""
    plugins = {
        name[1]: block.text
        for block in blocks(page, "python")
        if (name := re.match(r"# (\w+\.py)\n", block.text))
    }
    for name, code in plugins.items():
        (folder / name).write_text(code, encoding="utf-8")
    return plugins


def is_whole(table: Mapping[str, Any]) -> bool:
    """Whether it is a spec, and no piece of one."""
    return {"data", "losses"} <= table.keys()


def laid_over(small: Mapping[str, Any], piece: Mapping[str, Any]) -> dict[str, Any]:
    """The small spec with a piece's keys; a table of another type takes a table's place."""
    merged = dict(small)
    for key, value in piece.items():
        before = merged.get(key)
        other_type = isinstance(value, dict) and "type" in value
        if isinstance(value, dict) and isinstance(before, dict) and not other_type:
            merged[key] = laid_over(before, value)
        else:
            merged[key] = value
    return merged


@pytest.mark.parametrize("block", every("toml"))
def test_every_toml_block_is_a_valid_spec_or_a_valid_piece_of_one(
    block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = tomllib.loads(block.text)
    if "plugins" in table:  # of which some are installed as packages, too
        monkeypatch.setenv("GANTRANS_PLUGINS", "none")
    if "project" in table:  # of a plugin's pyproject.toml
        assert set(table["project"]["entry-points"]) == {"gantrans"}
        return
    write_plugins(block.page, tmp_path)
    spec = table if is_whole(table) else laid_over(SMALL, table)

    check(load(Source(spec, str(block), tmp_path, block.text)))


def test_a_piece_with_a_misspelt_key_would_be_noticed(tmp_path: Path) -> None:
    spec = laid_over(SMALL, {"train": {"keep_lost": 3}})

    with pytest.raises(gantrans.GantransError, match="did you mean 'keep_last'"):
        load(Source(spec, "piece", tmp_path))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_every_example_is_valid(path: Path) -> None:
    check(load(path))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_to_a_file_and_its_heading(page: Path) -> None:
    missing = []
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if re.match(r"https?:", target):
            continue
        path, _, heading = target.partition("#")
        place = (page.parent / path) if path else page
        if not place.exists() or (heading and heading not in anchors(place)):
            missing.append(target)

    assert not missing


def anchors(page: Path) -> set[str]:
    """The anchors that a page's headings get: lower case, no punctuation, dashes for spaces."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings
    }


@pytest.mark.parametrize("block", every("sh"))
def test_every_command_exists_with_its_options(block: Block) -> None:
    for command in block.text.splitlines():
        words = [word.strip("[].") for word in shlex.split(command, comments=True)]
        program = words[0].rpartition("/")[2] if words else ""
        if program == "make":
            assert f"\n{words[1]}:" in (ROOT / "Makefile").read_text(encoding="utf-8")
        if program == "gantrans":
            known = COMMANDS[words[1]]
            options = {o for p in known.params for o in (*p.opts, *p.secondary_opts)}
            assert {word for word in words if word.startswith("--")} <= options, command


def test_examples_that_the_documents_name_exist() -> None:
    named = {
        name
        for page in PAGES
        for name in re.findall(r"examples/[\w/.-]+\.\w+", page.read_text(encoding="utf-8"))
    }

    assert named
    assert [name for name in sorted(named) if not (ROOT / name).is_file()] == []


@pytest.mark.parametrize("block", every("python"))
def test_python_blocks_compile_and_use_names_that_gantrans_has(block: Block) -> None:
    tree = ast.parse(block.text)
    used = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "gantrans"
    } | {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "gantrans"
        for alias in node.names
    }

    assert used <= set(dir(gantrans))


def test_the_readmes_calls_fit_the_functions() -> None:
    """`load(path)`, `translate(image, to=...)`, `run(spec, settings=[...])`, and what they give."""
    from inspect import signature

    signature(gantrans.load).bind("path", device="cpu")
    signature(gantrans.Translator.translate).bind(None, "image", to="winter")
    signature(gantrans.run).bind("spec", settings=["seed=1"])
    assert {"path", "metrics"} <= set(gantrans.RunResult.__dataclass_fields__)


def plugin_pieces() -> list[Any]:
    """The TOML blocks that name plugins."""
    return [p for p in every("toml") if "plugins" in tomllib.loads(p.values[0].text)]


@pytest.mark.parametrize("block", plugin_pieces())
def test_every_plugin_of_the_documents_trains(
    block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # what the paths of a table are relative to
    monkeypatch.setenv("GANTRANS_PLUGINS", "none")
    plugins = write_plugins(block.page, tmp_path)
    piece = tomllib.loads(block.text)
    assert set(piece["plugins"]) <= set(plugins)
    spec = piece if is_whole(piece) else laid_over(SMALL, piece)
    two_steps = {"data": {"train": 2, "test": 0}, "train": {"epochs": 1, "log_every": 1}}

    result = gantrans.run(laid_over(spec, two_steps), run_dir="run", device="cpu")

    assert result.steps == 2
    lines = (tmp_path / "run" / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    for name in spec["losses"]:
        curves = [k for k in json.loads(lines[-1]) if f"/{name}/" in k]
        assert curves
        assert all(json.loads(line)[curve] > 0 for line in lines for curve in curves)


def test_the_readmes_plugin_has_twelve_lines_at_most(tmp_path: Path) -> None:
    [code] = write_plugins(ROOT / "README.md", tmp_path).values()

    assert len(code.splitlines()) <= 12
    assert max(map(len, code.splitlines())) <= 100


@pytest.mark.parametrize("command", COMMANDS)
def test_the_reference_has_every_option_of_a_command(command: str) -> None:
    page = (ROOT / "docs" / "reference" / "command-line.md").read_text(encoding="utf-8")
    sections = re.split(r"^## gantrans ", page, flags=re.MULTILINE)
    [section] = [s for s in sections if s.startswith(f"{command}\n")]

    options = {
        option
        for parameter in COMMANDS[command].params
        if parameter.param_type_name == "option"
        for option in (*parameter.opts, *parameter.secondary_opts)
    }

    assert {o for o in options if not re.search(rf"`{re.escape(o)}[ `]", section)} == set()
    mentioned = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", section))
    assert mentioned <= options, "the reference has an option that the command lacks"


def test_the_readme_has_every_command() -> None:
    page = (ROOT / "README.md").read_text(encoding="utf-8")

    assert [command for command in COMMANDS if f"| `gantrans {command}" not in page] == []


def test_the_changelog_has_the_version() -> None:
    page = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")

    assert f"## [{gantrans.__version__}] - " in page
