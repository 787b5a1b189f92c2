from __future__ import annotations

import re
from pathlib import Path

from gantrans.plugin.registry import Registry
from gantrans.spec.describe import keys
from gantrans.spec.model import RunSpec
from gantrans.spec.reference import reference

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "spec.md"


def test_the_page_in_docs_is_what_the_code_says(builtins: Registry) -> None:
    assert PAGE.read_text(encoding="utf-8") == reference(builtins), "run `make docs`"


def test_every_component_and_every_key_is_in_the_reference(builtins: Registry) -> None:
    text = reference(builtins)
    sections = {part.partition("\n")[0]: part for part in text.split("\n### ")}
    for entry in builtins:
        kind, name = entry.ref.kind, entry.ref.name
        section = sections[f"The {kind} `{name}`"]
        for key in keys(builtins.config_class(kind, name)):
            assert f"| `{key.key}` |" in section
    for key in keys(RunSpec):
        assert f"| `{key.key}` |" in text


def test_every_table_of_keys_has_four_columns(builtins: Registry) -> None:
    tables = re.findall(r"^\| Key \| Type .*\n(?:\|.*\n)+", reference(builtins), re.MULTILINE)
    rows = [row for table in tables for row in table.splitlines()]
    assert len(tables) > len(list(builtins)) / 2
    assert {row.replace("\\|", "").count("|") for row in rows} == {5}


def test_presets_are_told_with_what_they_stand_for(builtins: Registry) -> None:
    assert "\nPresets: `6` (blocks = 6), `9` (blocks = 9), `cut` (" in reference(builtins)
