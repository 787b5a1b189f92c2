"""Each package of plugins/ carries the licence that it says it has."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = sorted(file.parent for file in (ROOT / "plugins").glob("*/pyproject.toml"))


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_a_package_holds_the_licence_that_it_names(package: Path) -> None:
    project = tomllib.loads((package / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    assert (package / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()
    if "license" in project:  # what new-plugin writes leaves it to the author
        assert (project["license"], project["license-files"]) == ("MIT", ["LICENSE"])
