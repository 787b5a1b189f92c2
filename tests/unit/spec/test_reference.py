from __future__ import annotations

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


def test_every_table_of_the_reference_has_four_columns(builtins: Registry) -> None:
    rows = [line for line in reference(builtins).splitlines() if line.startswith("|")]
    assert {row.replace("\\|", "").count("|") for row in rows} == {5}
