from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from gantrans.serving.app import application
from gantrans.serving.limits import Limits
from gantrans.serving.models import Served


@pytest.mark.parametrize("path", ["/", "/api"])
def test_all_that_a_page_needs_is_here(path: str, client: TestClient) -> None:
    page = client.get(path).text

    parts = re.findall(r'(?:src|href)="([^"#]+)"', page)
    assert parts and all(part.startswith("/") for part in parts)
    for part in parts:
        assert client.get(part).status_code == 200
        if part.startswith("/assets/"):
            text = client.get(part).text.replace("http://www.w3.org/2000/svg", "")
            assert not re.search(r"https?://|@import", text)
    assert not re.search(r"<script>|<style|\sstyle=|\son\w+=", page)  # the policy forbids them


def test_what_fastapi_would_show_with_the_scripts_of_others_is_off(client: TestClient) -> None:
    assert [client.get(path).status_code for path in ("/docs", "/redoc")] == [404, 404]


def test_the_examples_name_this_server_and_a_model_that_is_there(client: TestClient) -> None:
    page = client.get("/api", headers={"Host": "localhost:1234"}).text

    assert "http://localhost:1234/api/translate" in page
    assert "model=seasons-001" in page and "to=winter" in page
    page = client.get("/api", headers={"Host": "[::1]:7860"}).text
    assert "&#39;http://[::1]:7860/api/translate&#39;" in page  # brackets are for the shell, too


def test_names_of_models_are_text_in_the_page_and_words_in_the_shell(
    served: Sequence[Served],
) -> None:
    odd = replace(served[0], name="<b>it's</b>")
    with TestClient(application([odd], Limits()), base_url="http://localhost") as client:
        page = client.get("/api").text

    assert "<b>" not in page
    assert "-F &#39;model=&lt;b&gt;it&#39;&#34;&#39;&#34;&#39;s&lt;/b&gt;&#39;" in page


@pytest.mark.parametrize("name", ["uPlot.iife.min.js", "..%2f__init__.py", "%2e%2e/app.py"])
def test_no_other_file_is_given(name: str, client: TestClient) -> None:
    assert client.get(f"/assets/{name}").status_code == 404
