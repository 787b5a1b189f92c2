from __future__ import annotations

import io
import threading
from pathlib import Path

import pytest
from PIL import Image
from rich.console import Console

from gantrans.api.baseline import Baseline
from gantrans.training import progress as progress_module
from gantrans.training.progress import LiveProgress, LoggedProgress, progress_for
from gantrans.training.standing import Measured, Pace, Standing, clock

PACE = Pace(
    step=40, steps=1000, epoch=1, epochs=25, images_per_second=12.34, waiting=0.071,
    seconds_left=80.4,
)  # fmt: skip
MEASURED = Measured("swd", 40, 112.04, Baseline("mean_image", 189.41), 98.27, 20)


def console(terminal: bool) -> Console:
    return Console(file=io.StringIO(), force_terminal=terminal, width=120, height=40, _environ={})


def text(of: Console) -> str:
    assert isinstance(of.file, io.StringIO)
    return of.file.getvalue()


def test_a_pipe_gets_one_line_a_report() -> None:
    pipe = console(terminal=False)
    progress = progress_for(pipe)
    progress.advance(39, 1000)
    progress.report(Standing(PACE, {"generators/cycle/[summer]": 0.25}))
    progress.close()
    assert text(pipe) == (
        "step 40/1000  epoch 1/25  12.3 images/s  waiting for data 7%  left 1:20  "
        "generators/cycle/[summer]: 0.2500\n"
    )


def test_a_pipe_is_told_of_the_best_of_memory_and_of_health_where_it_changes() -> None:
    pipe = console(terminal=False)
    progress = progress_for(pipe)
    for health in ("", "well", "well", "no translation since step 20"):
        progress.report(Standing(PACE, {"cycle": 0.25}, MEASURED, health, "812 MiB"))
    lines = text(pipe).splitlines()
    assert all("812 MiB" in line and "best swd 98.27 at step 20" in line for line in lines)
    assert [line.partition("health: ")[2] for line in lines] == [
        "", "well", "", "no translation since step 20",
    ]  # fmt: skip


def test_a_terminal_shows_each_step_with_the_last_numbers() -> None:
    terminal = console(terminal=True)
    progress = progress_for(terminal)
    progress.advance(1, 1000)  # a step may take long, and the first report is 20 of them away
    progress.close()
    assert "step 1/1000" in text(terminal)

    terminal = console(terminal=True)
    progress = progress_for(terminal)
    progress.report(Standing(PACE, {"generators/cycle/summer": 0.25}))
    progress.say("something [important]")
    progress.advance(43, 1000)
    progress.close()
    shown = text(terminal)
    assert "something [important]" in shown
    last = shown[shown.rindex("step 43/1000") :]
    assert "epoch 1/25" in last and "0.2500" in last and "left 1:20" in last


def test_an_evaluation_is_shown_beside_what_was_reported() -> None:
    terminal = console(terminal=True)
    progress = progress_for(terminal)
    progress.evaluated(MEASURED)  # before the first report there is nothing to put it beside
    progress.advance(43, 1000)
    progress.report(Standing(PACE, {"generators/cycle/summer": 0.25}))
    progress.evaluated(MEASURED)
    progress.close()
    last = text(terminal).rpartition("step 43/1000")[2]
    assert "swd 112.04 at step 40" in last and "best 98.27 at step 20" in last
    assert "0.2500" in last

    pipe = console(terminal=False)
    progress_for(pipe).evaluated(MEASURED)
    assert text(pipe) == ""


def test_a_step_draws_nothing_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a step costs must not depend on what the display shows."""
    drawing: list[threading.Thread] = []
    shown = progress_module.display

    def noted(*arguments: object) -> object:
        drawing.append(threading.current_thread())
        return shown(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(progress_module, "display", noted)
    progress = LiveProgress(console(terminal=True))
    here = threading.current_thread()
    before = drawing.count(here)
    progress.report(Standing(PACE, {f"curve/{n}": 0.5 for n in range(30)}))
    for step in range(1000):
        progress.advance(step, 1000)
    assert drawing.count(here) == before
    progress.close()
    assert drawing.count(here) > before  # the last state stays on the screen


def test_a_log_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    pipe = console(terminal=False)
    progress = LoggedProgress(progress_for(pipe), tmp_path / "nowhere" / "log.txt")
    progress.say("still here")
    progress.picture(Image.new("RGB", (4, 4)))
    assert text(pipe) == "still here\n"


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0, "0:00"), (75, "1:15"), (59.6, "1:00"), (3600, "1:00:00")]
)
def test_a_clock_shows_hours_only_when_there_are_some(seconds: float, shown: str) -> None:
    assert clock(seconds) == shown


def test_names_do_not_steer_the_terminal_and_add_no_line_to_the_log(tmp_path: Path) -> None:
    terminal = console(terminal=True)
    progress = LoggedProgress(progress_for(terminal), tmp_path / "log.txt")
    progress.say("going on in \x1b]0;owned\x07\u202e\udcff\n2026-11-26 02:00:00  ended: well")
    progress.close()
    assert "\x1b]" not in text(terminal) and "\\x1b]0;owned" in text(terminal)
    [line] = (tmp_path / "log.txt").read_text(encoding="utf-8").splitlines()
    assert line.endswith("\\x1b]0;owned\\x07\\u202e\\udcff\\n2026-11-26 02:00:00  ended: well")
