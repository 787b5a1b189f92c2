"""Reading a run directory: whole, running, killed, damaged, or of an older format."""

from __future__ import annotations

import errno
import json
import math
import os
import platform
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from drawn_run import SPEC, drawn_run, fault, write_lines
from gantrans.errors import UsageError
from gantrans.report import state as state_module
from gantrans.report.commands import commands
from gantrans.report.record import read_record
from gantrans.report.report import report


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


@pytest.mark.parametrize("closed", ["stat", "iterdir"])
def test_a_run_that_is_closed_to_this_user_is_one_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, closed: str
) -> None:
    """It may be that it cannot be entered, or that it cannot be listed."""
    run = drawn_run(tmp_path / "run")

    def refuse(path: Path, **_: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    said = f"cannot read the run {run}: Permission denied; see to"
    with monkeypatch.context() as patch, pytest.raises(UsageError, match=said):
        patch.setattr(Path, closed, refuse)
        read_record(run)


def test_checkpoints_that_are_closed_to_this_user_stop_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> list[Path]:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr("gantrans.report.record.checkpoint_folders", refuse)
    record = read_record(drawn_run(tmp_path / "run"))
    assert record.missing == ["checkpoints/ cannot be read (Permission denied)."]


def test_a_run_has_the_name_of_its_folder_however_one_says_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = drawn_run(tmp_path / "seasons-001")
    for inside, said in ((run, "."), (run / "samples", ".."), (tmp_path, "seasons-001/")):
        monkeypatch.chdir(inside)
        record = read_record(Path(said))
        assert (record.name, record.path) == ("seasons-001", run.resolve())


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


def test_before_the_first_checkpoint_the_pace_tells_how_long_a_run_may_be_silent(
    tmp_path: Path,
) -> None:
    """A line of 20 steps, each of 2 domains times 4 images, at 0.5 images a second: 320 s."""
    train = {"log_every": 20, "batch_size": 4, "accumulate": 1}
    run = drawn_run(tmp_path / "run", finished=False, spec={**SPEC, "train": train})
    shutil.rmtree(run / "checkpoints")
    write_lines(run / "metrics.jsonl", [{"step": 20, "images_per_second": 0.5}])
    aged(run, 6000)
    state = read_record(run).state
    assert state.ending == "running" and state.usual == pytest.approx(320.0)
    aged(run, 6800)
    assert read_record(run).state.ending == "interrupted"


def test_a_run_of_which_nothing_is_known_may_still_run(tmp_path: Path) -> None:
    run = drawn_run(tmp_path / "run", finished=False)
    shutil.rmtree(run / "checkpoints")
    write_lines(run / "metrics.jsonl", [])
    aged(run, 3600)
    record = read_record(run)
    assert record.state.ending == "silent" and not record.state.over
    assert not any("--resume" in command.line for command in commands(record))
    aged(run, 100_000)  # more than a day
    assert read_record(run).state.ending == "interrupted"


def test_the_lock_of_a_run_tells_more_than_its_silence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = drawn_run(tmp_path / "run", finished=False)
    (run / "running").write_text(f"process 7 on {platform.node()}\n")  # killed: the lock is free
    assert read_record(run).state.ending == "interrupted"
    monkeypatch.setattr(state_module, "is_running", lambda _: True)
    aged(run, 100_000)
    assert read_record(run).state.ending == "running"


def test_writing_the_report_is_no_sign_of_life(tmp_path: Path) -> None:
    run = drawn_run(tmp_path / "run", finished=False)
    aged(run, 3600)
    report([run])
    state = read_record(run).state
    assert state.ending == "interrupted" and (state.age or 0) >= 3600


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
    (run / "summary.json").write_text("{")
    said = " ".join(read_record(run).missing)
    assert "summary.json is damaged" in said and "summary.json is not there" not in said


def test_almost_nothing_is_enough(tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").write_text("")
    record = read_record(tmp_path)
    assert record.state.step == 0 and record.scores == {}
    said = " ".join(record.missing)
    assert "spec.resolved.json is not there" in said and "There is no checkpoint" in said


@pytest.mark.parametrize("name", ["spec.resolved.json", "summary.json", "data.json"])
@pytest.mark.parametrize(
    "content", ["", "[]", "{", "[" * 100_000, '"text"', "\x00\x01", '{"spec": 3}']
)
def test_damaged_json_stops_nothing(tmp_path: Path, name: str, content: str) -> None:
    run = drawn_run(tmp_path / "run")
    (run / name).write_text(content)
    assert read_record(run).curves.steps == 1000


HUGE = 10**400
"""More than a float holds."""


def data_of(run: Path) -> Any:
    """What the report's script reads, as strictly as a browser."""
    text = report([run]).path.read_text(encoding="utf-8")
    data = text.partition('id="report-data">')[2].partition("</script>")[0]
    return json.loads(data, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


def test_a_baseline_that_is_not_finite_is_not_drawn(tmp_path: Path) -> None:
    run = drawn_run(tmp_path / "run", unchanged=math.inf, mean=math.inf)
    drawn = [series for chart in data_of(run)["charts"] for series in chart]
    assert drawn and all(series["baseline"] is None for series in drawn)


def test_numbers_that_are_none_stop_nothing(tmp_path: Path) -> None:
    run = drawn_run(tmp_path / "run")
    score = {"value": HUGE, "baselines": {"input_unchanged": HUGE, "mean_image": [HUGE]}}
    odd = {"steps": HUGE, "seconds": math.inf, "metrics": {"x": {"swd": score}}, "best_step": HUGE}
    (run / "summary.json").write_text(json.dumps(odd))
    facts = run / "checkpoints" / "step-00001000" / "training.json"
    facts.write_text(json.dumps({"step": HUGE, "seconds": HUGE}))
    write_lines(run / "health.jsonl", [fault(300, "collapsed", since=HUGE), {"step": HUGE}])
    with (run / "metrics.jsonl").open("a") as file:
        file.write(f'{{"step": {HUGE}}}\n{{"step": 1001, "huge": {HUGE}, "edge": 1.7976e308}}\n')
        file.write('{"step": 1002, "edge": -1.7976e308}\n{"step": 1003, "edge": 1.7976931e308}\n')
    record = read_record(run)
    assert (record.state.step, record.state.seconds) == (1003, None)
    assert record.scores == {"x": {}} and record.best_step is None
    assert record.health is not None and [p.since for p in record.health.periods] == [300]
    read = data_of(run)
    drawn = [series for chart in read["charts"] for series in chart]
    assert all(type(y) in (int, float) for series in drawn for y in series["y"])
    assert sum(len(series["y"]) for series in drawn if series["label"] == "edge") == 2


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
