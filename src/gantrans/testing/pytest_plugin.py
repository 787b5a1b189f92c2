"""The kit as a pytest plugin: the marker `gantrans` and the fixture `component_check`.

    @pytest.mark.gantrans("gantrans-perceptual", settings={"loss/vgg": {"weights": "w.pth"}})
    def test_components_keep_the_contract(component_check):
        component_check()

is one test a component and check: `loss-vgg-gradient_reaches_the_generator`. Every project of an
environment loads this module, so it imports nothing of gantrans before a test wants it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from gantrans.testing.subject import Subject

MARKER = """gantrans(target, settings={}): what `component_check` checks: a Python file beside the \
test's module, an installed distribution, or a component (name, or kind/name); settings are tables \
of the spec by kind/name"""

_LAST = pytest.StashKey[tuple[str, "Subject"]]()

Settings = Mapping[str, Mapping[str, Any]]


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", MARKER)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each component of the target and each of its checks."""
    if "component_check" not in metafunc.fixturenames:
        return
    from gantrans.errors import GantransError
    from gantrans.testing.kit import checks_of

    target, _ = _marked(metafunc.definition)
    try:
        found = _subjects(metafunc.definition, target, {})
    except GantransError as error:  # the reason is the test's failure, and other tests run
        metafunc.parametrize("component_check", [(str(error), "")], ids=["target"], indirect=True)
        return
    pairs = [(subject, check) for subject in found for check in checks_of(subject.kind)]
    metafunc.parametrize(
        "component_check",
        [(str(subject), check.name) for subject, check in pairs],
        ids=[f"{subject.kind}-{subject.name}-{check.name}" for subject, check in pairs],
        indirect=True,
    )


@pytest.fixture(scope="session")
def component_settings() -> Settings:
    """Override it for settings that are known only when tests run, such as files they wrote."""
    return {}


@pytest.fixture
def component_check(
    request: pytest.FixtureRequest, component_settings: Settings
) -> Callable[[], None]:
    """Call it to check one promise of one component; it fails or skips with the reason."""
    component, name = request.param

    def check() -> None:
        status, message = ("failed", component) if not name else _found(request, component_settings)
        if status == "failed":
            pytest.fail(message, pytrace=False)
        if status == "skipped":
            pytest.skip(message)

    return check


def _found(request: pytest.FixtureRequest, settings: Settings) -> tuple[str, str]:
    """What the check of this test says: status and message."""
    from gantrans.errors import GantransError
    from gantrans.testing.kit import checks_of

    component, name = request.param
    try:
        subject = _subject(request, component, settings)
        [check] = [one for one in checks_of(subject.kind) if one.name == name]
        outcome = check.of(subject)
    except GantransError as error:
        return "failed", str(error)
    headline = f"{component}: {check.title}\n" if outcome.status == "failed" else ""
    return outcome.status, f"{headline}{outcome.message}"


def _marked(node: pytest.Item | Any) -> tuple[str, Settings]:
    marker = node.get_closest_marker("gantrans")
    if marker is None or len(marker.args) != 1 or marker.kwargs.keys() - {"settings"}:
        raise pytest.UsageError(
            f"{node.nodeid}: component_check needs a target, as in "
            '@pytest.mark.gantrans("my-plugin", settings={...})'
        )
    return marker.args[0], marker.kwargs.get("settings", {})


def _subjects(node: Any, target: str, settings: Settings) -> list[Subject]:
    from gantrans.testing.target import subjects_of

    return subjects_of(target, settings=settings, base_dir=node.path.parent)


def _subject(request: pytest.FixtureRequest, component: str, more: Settings) -> Subject:
    """The component of this test; kept for the next test, which most often is of the same one."""
    target, marked = _marked(request.node)
    settings = {key: {**marked.get(key, {}), **more.get(key, {})} for key in {**marked, **more}}
    key = f"{request.node.path} {target} {component} {settings}"
    stash = request.config.stash
    if _LAST not in stash or stash[_LAST][0] != key:
        [found] = [s for s in _subjects(request.node, target, settings) if str(s) == component]
        stash[_LAST] = key, found
    return stash[_LAST][1]
