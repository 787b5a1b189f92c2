from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]

SPEC = """\
domains = { a = "summer", b = "winter" }
[data]
type = "seasons"
[losses.adversarial]
[losses.cycle]
weight = 10.0
"""


def test_a_right_spec_is_said_to_be_valid_and_told_in_one_line(command: Any) -> None:
    Path("seasons.toml").write_text(SPEC)
    assert command("validate", "seasons.toml") == (
        0,
        "seasons.toml: valid\n"
        "summer <-> winter: cyclegan, generator resnet, discriminator patchgan, data seasons; "
        "losses adversarial x 1, cycle x 10\n",
        "",
    )


def test_every_mistake_of_a_spec_is_shown(command: Any) -> None:
    Path("seasons.toml").write_text(SPEC.replace("weight", "wieght").replace('"seasons"', '"x"'))
    code, out, err = command("validate", "seasons.toml", "--set", "train.epochs=0")
    assert (code, out) == (2, "")
    lines = err.splitlines()
    assert lines[0] == "error: 3 mistakes in the spec:"
    assert lines[1] == "--set train.epochs: must be at least 1; found 0"
    assert lines[2].startswith("seasons.toml:3: data.type: no dataset is called 'x'")
    assert lines[3] == "seasons.toml:6: losses.cycle.wieght: unknown key; did you mean 'weight'?"


def test_a_contradiction_is_found_before_anything_runs(command: Any) -> None:
    Path("seasons.toml").write_text(SPEC)
    code, _, err = command("validate", "seasons.toml", "--set", "data.transform.crop=30")
    assert code == 2
    assert "data.transform.crop: 30 is no multiple of 4" in err


def test_a_spec_that_needs_a_plugin_says_what_to_do(command: Any) -> None:
    Path("seasons.toml").write_text(SPEC + "[losses.glow]\n")
    Path("glow.py").write_text(
        "import gantrans\nclass G(gantrans.Loss):\n    name = 'glow'\n"
        "    def generator(self, step):\n        return step.real['a'].mean()\n"
    )
    code, _, err = command("validate", "seasons.toml")
    assert code == 2
    assert "install that plugin or name its file in `plugins`" in err
    code, out, err = command("validate", "seasons.toml", "--plugin", "glow.py")
    assert (code, err) == (0, "")
    assert "glow x 1" in out


def test_a_missing_spec_is_one_message(command: Any) -> None:
    code, _, err = command("validate", "gone.toml")
    assert (code, err) == (2, "error: cannot read the spec gone.toml: there is no such file\n")


def test_the_schema_is_written_to_the_screen_or_to_a_file(command: Any) -> None:
    code, out, _ = command("schema")
    assert code == 0
    assert json.loads(out)["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert command("schema", "--out", "schema.json") == (0, "", "")
    assert Path("schema.json").read_text() == out
    assert [p.name for p in Path().iterdir()] == ["schema.json"]


def test_the_schema_replaces_an_older_one_but_no_other_file(command: Any) -> None:
    command("schema", "--out", "schema.json")
    assert command("schema", "--out", "schema.json")[0] == 0
    Path("notes.json").write_text("{}")
    code, _, err = command("schema", "--out", "notes.json")
    assert (code, err) == (
        2,
        "error: notes.json exists and is no schema of gantrans: choose another name\n",
    )
    assert Path("notes.json").read_text() == "{}"


def test_a_schema_that_cannot_be_written_is_one_message(command: Any) -> None:
    for out, reason in (
        ("gone/schema.json", "cannot write gone/schema.json: there is no folder gone"),
        (".", ". is a folder, where a file would be written"),
        (name := "s" * 300, f"cannot write {name}: File name too long; give another --out"),
    ):
        code, _, err = command("schema", "--out", out)
        assert (code, err) == (2, f"error: {reason}\n")
    assert not list(Path().iterdir())


@pytest.mark.parametrize("path", sorted(ROOT.glob("examples/**/*.toml")), ids=lambda p: p.name)
def test_every_example_is_valid(path: Path, command: Any) -> None:
    code, out, err = command("validate", str(path))
    assert (code, err) == (0, "")
    assert out.startswith(f"{path}: valid\n")
