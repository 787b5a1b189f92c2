"""The files that pages are made of."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from jinja2 import UndefinedError

from gantrans.page import asset, templates

ASSETS = Path(__file__).parents[3] / "src" / "gantrans" / "page" / "assets"


@pytest.mark.parametrize("name", sorted(file.name for file in ASSETS.iterdir()))
def test_no_asset_asks_the_network_for_anything(name: str) -> None:
    text = asset(name)
    for word in (
        "@import",
        "url(http",
        "url(//",
        "fetch(",
        "XMLHttpRequest",
        "sourceMappingURL",
        "</script",
    ):
        assert word not in text


def test_what_is_vendored_carries_its_licence() -> None:
    assert "MIT" in asset("uPlot.LICENSE") and "Leon Sorokin" in asset("uPlot.LICENSE")
    assert "v1.6.32" in asset("uPlot.iife.min.js")[:200]  # as docs/decisions/0006 says


def test_templates_escape_what_they_are_given() -> None:
    template = templates("gantrans.report").from_string("<p>{{ text }}</p>")
    assert template.render(text="<script>") == "<p>&lt;script&gt;</p>"
    with pytest.raises(UndefinedError):
        template.render()


def test_pages_and_reports_need_no_torch() -> None:
    code = "import sys, gantrans.page, gantrans.report.report; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
