from __future__ import annotations

import inspect
from pathlib import Path

import pytest

import gantrans
from gantrans.api.component import KINDS, Kind
from gantrans.plugin.registry import Registry
from gantrans.spec.describe import keys
from gantrans.spec.interfaces import page, prose

PAGES = Path(__file__).parents[3] / "docs" / "reference" / "kinds"


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_in_docs_is_what_the_interface_says(kind: Kind, builtins: Registry) -> None:
    text = (PAGES / f"{kind}.md").read_text(encoding="utf-8")
    assert text == page(kind, builtins), "run `make docs`"


def test_there_is_a_page_for_every_kind_and_no_other() -> None:
    assert {path.name for path in PAGES.iterdir()} == {f"{kind}.md" for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_every_member_of_the_interface_is_on_its_page(kind: Kind, builtins: Registry) -> None:
    text = page(kind, builtins)
    base = getattr(gantrans, kind.capitalize())
    own = {**vars(base), **vars(gantrans.Component)}
    members = {n for n in own if not n.startswith("_")} - {"kind", "Config", "generators"}
    assert {m for m in members if f"`{m}" not in text} == set()
    build = [p for p in inspect.signature(base).parameters if p != "config"]
    assert f"`config.build({', '.join(f'{p}=...' for p in build)})`" in text
    for key in keys(getattr(gantrans, f"{kind.capitalize()}Config")):
        assert f"| `{key.key}` |" in text
    for name in builtins.names(kind):
        assert f"(../spec.md#the-{kind}-{name})" in text


def test_attributes_and_methods_come_with_their_docstrings(builtins: Registry) -> None:
    text = page("metric", builtins)
    assert (
        "- `needs_truth: bool = False`\n\n"
        "  True: reads `truth`, and is left out where the dataset has none.\n"
        "- `needs_cycle"
    ) in text
    assert "- `update(images: Translated) -> None`\n\n  Take in one batch.\n" in text
    assert "## Translated\n\n`gantrans.api.metric.Translated`.\n" in text


def test_lists_of_docstrings_become_lists_of_markdown() -> None:
    docstring = (
        "One.\n\nArgs:\n    x: an image,\n        upright.\n    y: another.\n\n"
        "Returns:\n    both: as one.\n\nTwo.\n\n    code = x\n"
    )
    assert prose(docstring) == (
        "One.\n\nArguments:\n\n- `x`: an image,\n  upright.\n- `y`: another.\n\n"
        "Returns\nboth: as one.\n\nTwo.\n\n    code = x"
    )
