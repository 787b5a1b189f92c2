"""A real Chromium for tests of pages: the fixture `page`, and what is said where there is none.

Run as a program it tells whether tests would find one: exit code 0 if so.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
HOW = "Debian, as root: apt-get install chromium; elsewhere: playwright install chromium"
MISSING = f"no Chromium to open pages with ({HOW})"
NO_PLAYWRIGHT = "the package playwright is missing (pip install -e '.[dev]')"
NEEDED = "GANTRANS_NEED_BROWSER"
"""Set to 1, as by .ci/run, it makes a missing browser a failure."""
ALONE = ("file", "data", "blob", "about")
"""Schemes of addresses that leave no machine."""
HERE = ("127.0.0.1", "localhost", "::1")


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    """A headless Chromium, started for the first test of a module that wants it.

    Not one for the session: while it is open its event loop runs in this thread, and no test
    there can use asyncio.
    """
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _without(NO_PLAYWRIGHT)
    with sync_playwright() as playwright:
        program = found(playwright.chromium.executable_path)
        if program is None:
            _without(MISSING)
        chromium = playwright.chromium.launch(executable_path=program)
        yield chromium
        chromium.close()


@pytest.fixture
def complaints() -> list[str]:
    """What the browser complained about: a test that made it do so looks, and clears the list."""
    return []


@pytest.fixture
def page(browser: object, complaints: list[str]) -> Iterator[object]:
    """A blank page (playwright.sync_api.Page) in a profile of its own.

    The test fails if something is left of `complaints`: errors of scripts, errors on the console
    (which has those of loading, too), and requests to other machines, which are not let out.
    """
    context = browser.new_context(service_workers="block")  # type: ignore[attr-defined]
    context.route(outside, lambda route: route.abort())
    context.on("request", lambda request: _asked(request.url, complaints))
    context.on("weberror", lambda error: complaints.append(f"error in a script: {error.error}"))
    context.on("console", lambda said: _said(said.type, said.text, complaints))
    context.set_default_timeout(10_000)
    shown = context.new_page()
    shown.on("websocket", lambda socket: _asked(socket.url, complaints))
    yield shown
    context.close()
    assert not complaints, "\n".join(complaints)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter,
) -> Generator[None, None, None]:
    """Below all else: browser tests that did not run."""
    yield
    skipped = [str(report.longrepr) for report in terminalreporter.getreports("skipped")]
    for reason in (MISSING, NO_PLAYWRIGHT):
        if count := sum(reason in text for text in skipped):
            tests = "1 browser test" if count == 1 else f"{count} browser tests"
            terminalreporter.write_line(f"{tests} DID NOT RUN: {reason}", yellow=True, bold=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The marker `browser`, for `-m`, on each test that opens a page."""
    for item in items:
        if "page" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.browser)


def found(own: str) -> str | None:
    """The path of a Chromium: the machine's, or the one at `own`, where Playwright puts its."""
    for name in NAMES:
        if path := shutil.which(name):
            return path
    return own if Path(own).is_file() else None


def outside(url: str) -> bool:
    """Whether a request for it would leave this machine."""
    parts = urlsplit(url)
    return parts.scheme not in ALONE and parts.hostname not in HERE


def _without(reason: str) -> None:
    if os.environ.get(NEEDED) == "1":
        pytest.fail(f"{reason}, and {NEEDED}=1 asks for it", pytrace=False)
    pytest.skip(reason)


def _asked(url: str, complaints: list[str]) -> None:
    if outside(url):
        complaints.append(f"asks another machine: {url}")


def _said(kind: str, text: str, complaints: list[str]) -> None:
    if kind == "error":
        complaints.append(f"error on the console: {text}")


def _main() -> int:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        return 0 if found(playwright.chromium.executable_path) else 1


if __name__ == "__main__":
    sys.exit(_main())
