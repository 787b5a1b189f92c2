"""Reading a run directory: whole, running, killed, damaged, or of an older format."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from drawn_run import drawn_run
from gantrans.errors import UsageError
from gantrans.report.record import read_record


def aged(path: Path, seconds: float) -> None:
    """As if nothing in it had changed for so long."""
    then = time.time() - seconds
    for file in [path, *path.rglob("*")]:
        os.utime(file, (then, then))


def say_at_the_end(run: Path, line: str) -> None:
    with (run / "log.txt").open("a") as log:
        log.write(f"2026-11-26 02:00:00  {line}\n")


def test_a_whole_run(tmp_path: Path) -> None:
    record = read_record(drawn_run(tmp_path / "run"))
    assert record.missing == []
    assert (record.state.ending, record.state.step, record.state.steps) == ("finished", 1000, 1000)
    assert record.best_step == 1000 and record.measures.headline(["swd", "cycle"]) == "swd"
    assert record.generators == ["ab", "ba"] and list(record.samples) == [333, 666, 1000]
    assert record.domains == {"a": "summer", "b": "winter"}


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"is no run directory .* name one that `gantrans run`"):
        read_record(tmp_path)
    with pytest.raises(UsageError, match="there is no folder"):
        read_record(tmp_path / "none")
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="there is no folder"):
        read_record(tmp_path / "file")


def test_a_run_that_writes_still_runs_and_one_that_is_silent_does_not(tmp_path: Path) -> None:
    run = drawn_run(tmp_path / "run", finished=False)
    # A line of 20 steps takes 2 s, as the checkpoint's seconds tell.
    state = read_record(run).state
    assert state.ending == "running" and state.usual == pytest.approx(2.0)
    aged(run, 3600)
    state = read_record(run).state
    assert state.ending == "interrupted" and 3600 <= (state.age or 0) < 3700


def test_a_slow_run_may_be_silent_for_longer(tmp_path: Path) -> None:
    run = drawn_run(tmp_path / "run", finished=False)
    facts = run / "checkpoints" / "step-00001000" / "training.json"
    facts.write_text(json.dumps({**json.loads(facts.read_text()), "seconds": 20_000.0}))
    aged(run, 3600)  # 400 s between two lines
    assert read_record(run).state.ending == "running"


@pytest.mark.parametrize(
    ("line", "ending"),
    [
        ("ended: stopped by SIGINT. The run is saved in X. Go on with: Y", "interrupted"),
        ("ended: the term cycle became nan at step 9", "failed"),
    ],
)
def test_the_log_says_why_a_session_ended(tmp_path: Path, line: str, ending: str) -> None:
    run = drawn_run(tmp_path / "run", finished=False)
    say_at_the_end(run, line)
    state = read_record(run).state
    assert (state.ending, state.why) == (ending, line.removeprefix("ended: "))
    say_at_the_end(run, "report: run/report.html")
    assert read_record(run).state == state
    resumed = "6 of a and 6 of b to train on, 1000 steps in 2 epochs; going on at step 500 in run"
    say_at_the_end(run, resumed)
    assert read_record(run).state.ending == "running"


def test_a_run_that_stopped_by_its_own_rule(tmp_path: Path) -> None:
    run = drawn_run(tmp_path / "run", steps=600)
    resolved = json.loads((run / "spec.resolved.json").read_text())
    (run / "spec.resolved.json").write_text(json.dumps({**resolved, "steps": 1000}))
    summary = json.loads((run / "summary.json").read_text())
    (run / "summary.json").write_text(json.dumps({**summary, "stopped": "no better for long"}))
    state = read_record(run).state
    assert (state.ending, state.step, state.steps) == ("stopped early", 600, 1000)
    assert state.why == "no better for long"


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    run = drawn_run(tmp_path / "run", samples=0, finished=False)
    (run / "health.jsonl").unlink()
    with (run / "metrics.jsonl").open("a") as file:
        file.write('{"step": 1001, "gener')
    aged(run, 3600)
    said = " ".join(read_record(run).missing)
    assert "metrics.jsonl: 1 line could not be read and was left out" in said
    assert "no sample pictures" in said
    assert "health.jsonl is not there" in said
    assert "summary.json is not there: the run did not come to its end" in said


def test_almost_nothing_is_enough(tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").write_text("")
    record = read_record(tmp_path)
    assert record.state.step == 0 and record.scores == {}
    said = " ".join(record.missing)
    assert "spec.resolved.json is not there" in said and "There is no checkpoint" in said


@pytest.mark.parametrize("name", ["spec.resolved.json", "summary.json", "data.json"])
@pytest.mark.parametrize("content", ["", "[]", "{", '"text"', "\x00\x01", '{"spec": 3}'])
def test_damaged_json_stops_nothing(tmp_path: Path, name: str, content: str) -> None:
    run = drawn_run(tmp_path / "run")
    (run / name).write_text(content)
    assert read_record(run).curves.steps == 1000


def test_an_older_run_knows_how_to_read_its_metrics(tmp_path: Path) -> None:
    """Before `measures`, `changed`, `steps` and health.jsonl."""
    run = drawn_run(tmp_path / "run", finished=False)
    resolved = json.loads((run / "spec.resolved.json").read_text())
    for key in ("measures", "changed", "steps", "machine", "device"):
        del resolved[key]
    (run / "spec.resolved.json").write_text(json.dumps(resolved))
    (run / "health.jsonl").unlink()
    say_at_the_end(
        run, "6 of summer and 6 of winter to train on, 1400 steps in 2 epochs; beginning"
    )
    record = read_record(run)
    assert record.state.steps == 1400
    measure = record.measures.of("swd")
    assert measure is not None and not measure.higher_is_better
    assert record.measures.headline(["cycle", "swd"]) == "swd"
