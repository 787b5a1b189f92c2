from __future__ import annotations

from typing import Any

import pytest

import gantrans
from gantrans.api import version
from gantrans.api.version import check_api_version
from gantrans.errors import PluginError


@pytest.fixture
def from_2_to_3(monkeypatch: pytest.MonkeyPatch) -> None:
    """A gantrans of the future."""
    monkeypatch.setattr(version, "API_VERSION", 3)
    monkeypatch.setattr(version, "OLDEST_API_VERSION", 2)
    monkeypatch.setattr(version, "DROPPED", {1: "0.9"})


def test_this_gantrans_has_one_interface_and_says_so() -> None:
    assert (gantrans.API_VERSION, version.OLDEST_API_VERSION, dict(version.DROPPED)) == (1, 1, {})
    check_api_version(1)


@pytest.mark.parametrize("fits", [2, 3])
def test_every_version_from_the_oldest_to_the_newest_fits(fits: int, from_2_to_3: None) -> None:
    check_api_version(fits)


def test_a_newer_plugin_asks_for_a_newer_gantrans() -> None:
    with pytest.raises(PluginError) as caught:
        check_api_version(3)
    assert str(caught.value) == (
        "written for version 3 of the plugin interface, this gantrans has 1: "
        "install a newer gantrans"
    )


def test_an_older_plugin_asks_for_a_newer_plugin_or_an_older_gantrans(from_2_to_3: None) -> None:
    with pytest.raises(PluginError) as caught:
        check_api_version(1)
    assert str(caught.value) == (
        "written for version 1 of the plugin interface, the oldest that this gantrans takes is 2: "
        "install a newer version of the plugin, or gantrans < 0.9"
    )


@pytest.mark.parametrize("wrong", ["1", 1.0, True, None, 0, -1])
def test_what_is_no_version_is_refused(wrong: Any) -> None:
    with pytest.raises(PluginError, match=r"api_version = .*: give the version of the plugin"):
        check_api_version(wrong)
