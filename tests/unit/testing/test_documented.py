from __future__ import annotations

import re
from pathlib import Path

import pytest

from gantrans.api.component import KINDS
from gantrans.testing import every
from gantrans.testing.kit import checks_of

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "check-a-plugin.md"


def rows(heading: str) -> list[tuple[str, str]]:
    """The checks that the page's table under a heading names."""
    text = PAGE.read_text(encoding="utf-8")
    [section] = [s for s in re.split(r"^### ", text, flags=re.M) if s.startswith(f"{heading}\n")]
    return re.findall(r"^\| `(\w+)` \| (.+) \|$", section, re.M)


def test_the_page_has_the_checks_of_every_component() -> None:
    assert rows("Every component") == [(check.name, check.title) for check in every.CHECKS]


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_has_the_checks_of_each_kind(kind: str) -> None:
    plural = {"loss": "Losses"}.get(kind, f"{kind.capitalize()}s")
    own = [check for check in checks_of(kind) if check.kind == kind]

    assert rows(plural) == [(check.name, check.title) for check in own]
