from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from gantrans.training.progress import LoggedProgress, Pace, clock, progress_for

PACE = Pace(
    step=40, steps=1000, epoch=1, epochs=25, images_per_second=12.34, waiting=0.071,
    seconds_left=80.4,
)  # fmt: skip


def console(terminal: bool) -> Console:
    return Console(file=io.StringIO(), force_terminal=terminal, width=120, _environ={})


def text(of: Console) -> str:
    assert isinstance(of.file, io.StringIO)
    return of.file.getvalue()


def test_a_pipe_gets_one_line_a_report() -> None:
    pipe = console(terminal=False)
    progress = progress_for(pipe)
    progress.advance(39, 1000)
    progress.report(PACE, {"generators/cycle/[summer]": 0.25})
    progress.close()
    assert text(pipe) == (
        "step 40/1000  epoch 1/25  12.3 images/s  waiting for data 7%  left 1:20  "
        "generators/cycle/[summer]: 0.2500\n"
    )


def test_a_terminal_shows_each_step_with_the_last_numbers() -> None:
    terminal = console(terminal=True)
    progress = progress_for(terminal)
    progress.advance(1, 1000)  # a step may take long, and the first report is 20 of them away
    progress.close()
    assert "step 1/1000" in text(terminal)

    terminal = console(terminal=True)
    progress = progress_for(terminal)
    progress.report(PACE, {"generators/cycle/summer": 0.25})
    progress.say("something [important]")
    progress.advance(43, 1000)
    progress.close()
    shown = text(terminal)
    assert "something [important]" in shown
    last = shown[shown.rindex("epoch 1/25") :]
    assert "step 43/1000" in last and "0.2500" in last and "left 1:20" in last


def test_a_log_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    pipe = console(terminal=False)
    progress = LoggedProgress(progress_for(pipe), tmp_path / "nowhere" / "log.txt")
    progress.say("still here")
    assert text(pipe) == "still here\n"


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0, "0:00"), (75, "1:15"), (59.6, "1:00"), (3600, "1:00:00")]
)
def test_a_clock_shows_hours_only_when_there_are_some(seconds: float, shown: str) -> None:
    assert clock(seconds) == shown
