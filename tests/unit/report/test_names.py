"""What runs are called: no longer than it must be, and never alike."""

from __future__ import annotations

from pathlib import Path

from gantrans.report.names import names


def test_a_run_is_called_as_its_folder() -> None:
    assert names([Path("/runs/seasons-001")]) == ["seasons-001"]
    assert names([Path("/")]) == ["/"]


def test_parents_tell_namesakes_apart_and_nobody_else_has_them() -> None:
    runs = ["/x/a/run", "/x/b/run", "/x/a/other", "/y/a/run", "/run"]
    assert names([Path(run) for run in runs]) == ["x/a/run", "b/run", "other", "y/a/run", "/run"]
