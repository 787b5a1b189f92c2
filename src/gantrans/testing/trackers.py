"""What a tracker holds."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PIL import Image

from gantrans.api.tracker import Tracker
from gantrans.testing.check import Check, CheckFailed, blamed, checks, need
from gantrans.testing.subject import Subject


def use(subject: Subject) -> None:
    """Report a number."""
    tracker = _tracker(subject, subject.folder("used"), 0)
    tracker.scalars(1, {"x": 0.5})
    tracker.close()


def takes_what_a_run_reports(subject: Subject) -> None:
    """It takes numbers and pictures, and closes."""
    folder = subject.folder("run")
    values = {"generators/cycle/summer": 0.5, "images_per_second": 11.0}
    picture = Image.new("RGB", (40, 30), (10, 200, 30))
    given, drawn = dict(values), picture.tobytes()
    tracker = _tracker(subject, folder, 0)
    reports: list[tuple[str, Callable[[], object]]] = [
        ("scalars", lambda: tracker.scalars(20, values)),
        ("images", lambda: tracker.images(20, "samples", picture)),
        ("images", lambda: tracker.images(20, "gray samples", Image.new("L", (8, 8)))),
        ("scalars", lambda: tracker.scalars(40, {"metrics/psnr/summer->winter": 19.5})),
        ("close", tracker.close),
    ]
    for name, report in reports:
        _tell(subject, name, report)
    need(
        values == given and picture.tobytes() == drawn,
        "it changes what it is given, which other trackers read: copy what you change",
    )


def goes_on_with_a_resumed_run(subject: Subject) -> None:
    """It goes on in the folder of a run that was stopped, from an earlier step."""
    folder = subject.folder("resumed run")
    for start in (0, 10):
        tracker = _tracker(subject, folder, start)
        what = "of a resumed run" if start else ""
        _tell(subject, f"scalars {what}", partial(tracker.scalars, 20, {"x": 0.5}))
        _tell(subject, f"close {what}", tracker.close)


def can_be_closed_at_once(subject: Subject) -> None:
    """It can be closed before anything was reported, as by a run that fails at once."""
    _tell(subject, "close", _tracker(subject, subject.folder("empty run"), 0).close)


def _tracker(subject: Subject, folder: Path, start_step: int) -> Tracker:
    made: Tracker = subject.build(run_dir=folder, start_step=start_step)
    return made


def _tell(subject: Subject, name: str, report: Callable[[], object]) -> None:
    try:
        report()
    except Exception as error:
        raise CheckFailed(
            f"{name} raises {blamed(error, subject.code)}; a tracker that raises is dropped from "
            "the run"
        ) from error


CHECKS: tuple[Check, ...] = checks(
    "tracker",
    takes_what_a_run_reports,
    goes_on_with_a_resumed_run,
    can_be_closed_at_once,
)
