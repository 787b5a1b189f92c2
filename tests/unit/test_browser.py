"""The fixture `page` is a judge: what it must not let through."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from browser import found, outside

OWN = "/nowhere/chrome"


def test_a_page_from_disk_is_shown_without_complaints(
    page: Any, complaints: list[str], tmp_path: Path
) -> None:
    (tmp_path / "page.html").write_text("<title>seasons</title><img src='data:image/gif,x'>")
    page.goto((tmp_path / "page.html").as_uri())

    assert page.title() == "seasons"
    assert complaints == []


@pytest.mark.parametrize(
    ("script", "complaint"),
    [
        ("setTimeout(() => { throw new Error('broken') })", "error in a script: broken"),
        ("console.error('wrong')", "error on the console: wrong"),
        ("new Image().src = 'missing.png'", "error on the console: Failed to load"),
        ("fetch('http://192.0.2.1/x')", "asks another machine: http://192.0.2.1/x"),
        ("new WebSocket('ws://192.0.2.1/x')", "asks another machine: ws://192.0.2.1/x"),
    ],
)
def test_whatever_goes_wrong_on_a_page_is_a_complaint(
    script: str, complaint: str, page: Any, complaints: list[str], tmp_path: Path
) -> None:
    (tmp_path / "page.html").write_text("<title>seasons</title>")
    page.goto((tmp_path / "page.html").as_uri())
    page.evaluate(f"() => {{ {script} }}")
    for _ in range(100):
        page.wait_for_timeout(50)
        if any(one.startswith(complaint) for one in complaints):
            break

    assert [one for one in complaints if one.startswith(complaint)], complaints
    complaints.clear()


@pytest.mark.parametrize(
    ("url", "leaves"),
    [
        ("file:///tmp/page.html", False),
        ("data:image/png;base64,AAAA", False),
        ("blob:null/1", False),
        ("http://127.0.0.1:7860/", False),
        ("http://[::1]:7860/", False),
        ("http://localhost:7860/", False),
        ("https://example.org/font.woff2", True),
        ("http://127.0.0.1.example.org/", True),
        ("ws://example.org/", True),
    ],
)
def test_an_address_on_this_machine_leaves_it_not(url: str, leaves: bool) -> None:
    assert outside(url) == leaves


def test_where_there_is_no_chromium_none_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert found(OWN) is None
    (tmp_path / "chromium").touch(mode=0o755)
    assert found(OWN) == str(tmp_path / "chromium")


@pytest.mark.parametrize(("needed", "workers"), [("0", "2"), ("1", "0")])
def test_without_chromium_the_last_lines_say_so_and_ci_fails(
    needed: str, workers: str, tmp_path: Path
) -> None:
    shutil.copy(Path(__file__).parents[1] / "browser.py", tmp_path / "conftest.py")
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = browser\n")
    (tmp_path / "test_it.py").write_text("def test_it(page): pass\n")
    environment = {
        **os.environ,
        "PATH": str(tmp_path),
        "PLAYWRIGHT_BROWSERS_PATH": str(tmp_path),
        "GANTRANS_NEED_BROWSER": needed,
    }
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-n", workers, "-p", "no:cacheprovider", tmp_path],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )

    *_, said, result = done.stdout.splitlines()
    if needed == "1":
        assert done.returncode == 1 and "1 error" in result
    else:
        assert done.returncode == 0 and "1 skipped" in result
        assert said.startswith("1 browser test DID NOT RUN: no Chromium")
        assert "apt-get install chromium" in said
