from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gantrans.builtins.trackers.jsonl import JSONL


def opened(folder: Path, start_step: int = 0) -> JSONL:
    return JSONL(JSONL.Config(), run_dir=folder, start_step=start_step)


def lines(folder: Path) -> list[dict[str, Any]]:
    text = (folder / "metrics.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]


def test_each_report_is_a_line_that_can_be_read_at_once(tmp_path: Path) -> None:
    tracker = opened(tmp_path)
    tracker.scalars(20, {"generators/cycle/a": 0.5, "waiting": 0.0})
    tracker.scalars(40, {"metrics/psnr/summer->winter": 19.25})
    assert lines(tmp_path) == [
        {"step": 20, "generators/cycle/a": 0.5, "waiting": 0.0},
        {"step": 40, "metrics/psnr/summer->winter": 19.25},
    ]
    tracker.close()


def test_after_a_resume_steps_that_will_be_done_again_are_forgotten(tmp_path: Path) -> None:
    tracker = opened(tmp_path)
    for step in (20, 40, 60, 80):
        tracker.scalars(step, {"x": step / 10})
    tracker.close()
    again = opened(tmp_path, start_step=50)
    again.scalars(60, {"x": -1.0})
    again.close()
    assert lines(tmp_path) == [{"step": 20, "x": 2}, {"step": 40, "x": 4}, {"step": 60, "x": -1}]


def test_what_was_reported_at_the_step_of_the_checkpoint_is_kept(tmp_path: Path) -> None:
    tracker = opened(tmp_path)
    tracker.scalars(40, {"x": 1.0})
    tracker.close()
    opened(tmp_path, start_step=40).close()
    assert lines(tmp_path) == [{"step": 40, "x": 1}]


@pytest.mark.parametrize("cut", ['{"step": 40, "x"', '{"step": 4', "{", '"', '{"x": 1}\n', "7\n"])
def test_a_line_that_a_kill_cut_short_is_dropped(tmp_path: Path, cut: str) -> None:
    (tmp_path / "metrics.jsonl").write_text('{"step": 20, "x": 1.0}\n' + cut)
    tracker = opened(tmp_path, start_step=40)
    tracker.scalars(60, {"x": 3.0})
    tracker.close()
    assert lines(tmp_path) == [{"step": 20, "x": 1}, {"step": 60, "x": 3}]


def test_only_its_file_is_left_in_the_run_directory(tmp_path: Path) -> None:
    opened(tmp_path).close()
    opened(tmp_path, start_step=1).close()
    assert [path.name for path in tmp_path.iterdir()] == ["metrics.jsonl"]
