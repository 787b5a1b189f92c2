"""Code that a run brings is executed once its user agreed, and not before."""

from __future__ import annotations

from pathlib import Path

import pytest

from gantrans.errors import UsageError
from gantrans.plugin.trust import check_trust, remember, trusted_folder

ONE, TWO = "1" * 64, "2" * 64


@pytest.fixture(autouse=True)
def newcomer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user who has never executed a plugin."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def test_unknown_code_is_refused_with_its_file_and_digest() -> None:
    with pytest.raises(UsageError, match=f"run/loss.py.*{ONE}.*--trust"):
        check_trust({Path("run/loss.py"): ONE}, False)
    with pytest.raises(UsageError):  # the answer was no
        check_trust({Path("run/loss.py"): ONE}, lambda copies: False)
    check_trust({}, False)


def test_who_agrees_once_is_not_asked_again_for_the_same_code() -> None:
    asked = []

    def ask(copies: dict[Path, str]) -> bool:
        asked.append(copies)
        return True

    check_trust({Path("run/loss.py"): ONE}, ask)
    check_trust({Path("elsewhere/renamed.py"): ONE}, False)
    check_trust({Path("a.py"): ONE, Path("b.py"): TWO}, ask)
    assert asked == [{Path("run/loss.py"): ONE}, {Path("b.py"): TWO}]
    (trusted_folder() / TWO).unlink()
    with pytest.raises(UsageError):
        check_trust({Path("b.py"): TWO}, False)
    check_trust({Path("b.py"): TWO}, True)
    check_trust({Path("b.py"): TWO}, False)


@pytest.mark.parametrize("home", [True, False])
def test_without_a_folder_to_note_it_in_nothing_is_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: bool
) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    if home:
        (tmp_path / "state").touch()  # no folder can be made there
    else:
        monkeypatch.delenv("XDG_STATE_HOME")
        monkeypatch.setattr(Path, "home", homeless)
    remember([ONE])
    check_trust({Path("a.py"): ONE}, True)
    with pytest.raises(UsageError):
        check_trust({Path("a.py"): ONE}, False)
