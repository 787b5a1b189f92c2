from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer
from PIL import Image

import gantrans
from gantrans.spec.load import Source, load
from gantrans.training.contradictions import check
from gantrans_noise.cli import app
from gantrans_noise.discriminator import Residual
from gantrans_noise.unconditional import Unconditional

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


SPECS = [tomllib.loads(block) for block in blocks("toml")]


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec["name"])
def test_the_specs_of_the_readme_are_valid(spec: dict[str, Any], tmp_path: Path) -> None:
    check(load(Source(spec, "README.md", tmp_path)))


def test_the_spec_for_ones_own_folder_trains_on_one_folder_alone(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    for n in range(2):
        Image.effect_noise((90, 70), 50 + n).convert("RGB").save(tmp_path / f"photos/{n}.png")
    [spec] = [table for table in SPECS if table["name"] == "flowers"]
    spec["method"] |= {"latent": 4, "width": 2, "max_width": 4, "mapping_layers": 1}
    spec["discriminator"] |= {"width": 2, "max_width": 4}
    spec["train"] |= {"epochs": 1, "batch_size": 2, "samples": 4}
    spec["data"] |= {"workers": 0, "train_a": str(tmp_path / "photos")}

    assert gantrans.run(spec, run_dir=tmp_path / "run", device="cpu").steps == 1


def test_the_commands_of_the_readme_have_their_options() -> None:
    command = typer.main.get_command(app)
    options = {o for p in command.commands["sample"].params for o in p.opts}
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    words = [shlex.split(line) for line in lines if line.startswith("gantrans-noise")]

    assert [line[1] for line in words] == ["sample", "sample"]
    assert {w for line in words for w in line if w.startswith("--")} <= options


@pytest.mark.parametrize("config", [Unconditional.Config, Residual.Config])
def test_the_tables_have_every_key_and_its_default(config: Any) -> None:
    section = README.split(f"### `{config.component.name}`")[1].split("\n## ")[0].split("### ")[0]
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", section, re.MULTILINE))
    written = {key: tomllib.loads(f"x = {shown.strip('`')}")["x"] for key, shown in rows.items()}

    assert written == {key: field.default for key, field in config.model_fields.items()}
