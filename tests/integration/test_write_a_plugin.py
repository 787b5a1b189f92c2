"""The tutorial's plugin is the runnable package of plugins/, and its first form is short."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import torch

from gantrans import TranslationStep
from gantrans.plugin.manager import load_registry
from gantrans.scaffold.naming import naming
from gantrans.scaffold.write import package
from gantrans.testing.kit import checks_of
from gantrans.testing.target import subjects_of

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "plugins" / "gantrans-keep-contrast"
PAGE = (ROOT / "docs" / "tutorial" / "write-a-plugin.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(?:python|toml)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)

WRITTEN = package(naming("loss", "keep_contrast"))
FILES = {path: (FOLDER / path).read_text(encoding="utf-8") for path in WRITTEN}
OWN = ("src/gantrans_keep_contrast/keep_contrast.py", "tests/test_keep_contrast.py")


def summary(texts: dict[str, str]) -> str:
    return str(tomllib.loads(texts["pyproject.toml"])["project"]["description"])


@pytest.fixture
def one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The tutorial's file."""
    monkeypatch.setenv("GANTRANS_PLUGINS", "none")
    [code] = [block for block in BLOCKS if block.startswith("# keep_contrast.py\n")]
    path = tmp_path / "keep_contrast.py"
    path.write_text(code, encoding="utf-8")
    return path


def test_the_one_file_has_fifteen_lines_of_code_at_most(one_file: Path) -> None:
    lines = [line.strip() for line in one_file.read_text().splitlines()]
    code = [line for line in lines if line and not line.startswith("#")]

    assert len(code) <= 15
    assert max(map(len, code)) <= 100


def test_one_table_and_the_files_name_are_all_that_a_spec_needs() -> None:
    [spec] = [tomllib.loads(block) for block in BLOCKS if block.startswith("name ")]
    text = str({key: value for key, value in spec.items() if key not in ("plugins", "losses")})

    assert spec["plugins"] == ["keep_contrast.py"]
    assert spec["losses"]["keep_contrast"] == {"weight": 5.0}
    assert "keep_contrast" not in text


def test_the_kit_finds_nothing_in_the_one_file(one_file: Path) -> None:
    [subject] = subjects_of(one_file.name, base_dir=one_file.parent)
    outcomes = {check.name: check.of(subject) for check in checks_of("loss")}

    assert {name: o.message for name, o in outcomes.items() if o.status == "failed"} == {}


def test_the_one_file_and_the_package_compute_the_same(one_file: Path) -> None:
    images = torch.rand(4, 2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    a, b, fake_a, fake_b = images * 2 - 1
    step = TranslationStep(
        {"real": {"a": a, "b": b}, "fake": {"a": fake_a, "b": fake_b}, "source": {"a": b, "b": a}},
        discriminators={},
    )

    def terms(*files: Path, environ: dict[str, str]) -> Any:
        registry = load_registry(files, environ=environ)
        return registry.config("loss", "keep_contrast").build().generator(step)

    short = terms(one_file, environ={"GANTRANS_PLUGINS": "none"})
    long = terms(environ={"GANTRANS_PLUGINS": "gantrans-keep-contrast"})

    assert short.keys() == long.keys() == {"a", "b"}
    for domain, value in short.items():
        torch.testing.assert_close(value, long[domain])


@pytest.mark.parametrize("path", ["pyproject.toml", "src/gantrans_keep_contrast/hooks.py", *OWN])
def test_the_tutorial_shows_the_files_of_the_package(path: str) -> None:
    assert FILES[path] in BLOCKS
    assert f"`{path}`" in PAGE


def test_the_rest_of_the_package_is_as_new_plugin_writes_it() -> None:
    for path in WRITTEN.keys() - set(OWN):
        assert FILES[path] == WRITTEN[path].replace(summary(WRITTEN), summary(FILES)), path
