"""`gantrans report`, and the report that training leaves at its end."""

from __future__ import annotations

import html
import json
import shlex
from pathlib import Path

import pytest
from PIL import Image

from drawn_run import drawn_run, fault
from gantrans.errors import GantransError
from gantrans.report import report as report_module
from gantrans.report.commands import commands
from gantrans.report.record import read_record
from gantrans.training import session
from gantrans.training.choice import Choice
from gantrans.training.evaluate import Scores
from processes import Launcher, given
from tiny_run import tiny_spec


def test_a_run_leaves_a_report_and_the_command_makes_it_anew(
    launcher: Launcher, tmp_path: Path, spec: Path
) -> None:
    ended = launcher(
        "run", str(spec), "--run-dir", "run", *given("train.sample_every=4"), cwd=tmp_path
    )
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines()[-1] == "report: run/report.html"
    verdict = ended.out.splitlines()[-2].removeprefix("verdict: ")
    left = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert verdict in left and 'class="before"' in left  # its pictures could be cut

    resolved = json.loads((tmp_path / "run" / "spec.resolved.json").read_text())
    assert resolved["steps"] == 12 and resolved["device"] == "cpu" and resolved["machine"]
    assert {"key": "train.epochs", "value": 2, "default": 200} in resolved["changed"]
    assert resolved["measures"]["psnr"] == {
        "higher_is_better": True,
        "unit": "dB",
        "needs_cycle": False,
    }
    made = launcher("report", "run", "--out", "again.html", cwd=tmp_path)
    assert (made.code, made.err) == (0, "")
    assert made.out.splitlines()[0] == verdict
    assert made.out.splitlines()[1].startswith("again.html: ")


def test_runs_are_compared_and_each_has_its_verdict(launcher: Launcher, tmp_path: Path) -> None:
    drawn_run(tmp_path / "good")
    drawn_run(tmp_path / "bad", swd=(310.0, 320.0, 315.0), health=[fault(300, "inverted")])
    made = launcher("report", "good", "bad", cwd=tmp_path)
    good, bad, where = made.out.splitlines()
    assert good.startswith("good: It works: ") and bad.startswith("bad: It does not work ")
    assert where.startswith("report.html: ")


@pytest.mark.parametrize(("stop_after", "ending"), [(1, "stopped early"), (2, "finished")])
def test_each_command_that_the_page_offers_is_accepted(
    launcher: Launcher,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    stop_after: int,
    ending: str,
) -> None:
    """Of a run that got worse from the first of its three evaluations on."""

    def worse(self: Choice, step: int, _: Scores) -> bool:
        return evaluated(self, step, {"a->b": {"swd": {"value": float(step), "baselines": {}}}})

    evaluated = Choice.evaluated
    monkeypatch.setattr(Choice, "evaluated", worse)
    train = {"stop_after": stop_after, "evaluate_every": 4, "best_by": "swd"}
    run = session.run(tiny_spec(train=train), run_dir=tmp_path / "a run", device="cpu").path
    monkeypatch.undo()
    record = read_record(run)
    assert record.state.ending == ending
    Image.new("RGB", (32, 32)).save(tmp_path / "photo.png")
    drawn_run(tmp_path / "other")
    stand_for = {"IMAGE...": "photo.png", "OTHER_RUN": "other", "DIR": "translated"}
    for number, command in enumerate(commands(record)):
        program, *arguments = shlex.split(command.line)
        assert program == "gantrans"
        if arguments[0] != "serve":  # it would not end
            given = [stand_for.get(word, word) for word in arguments]
            ended = launcher(*given, cwd=tmp_path)
            assert ended.code == 0, (command, ended)
            assert number > 0 or read_record(run).state.ending == "finished"
        stand_for["DIR"] = f"translated-{number}"


def test_a_session_begins_in_the_log_as_the_report_knows_it(tmp_path: Path) -> None:
    """So that the error of an earlier session is not taken for the end of a resumed one."""
    session.run(tiny_spec(), run_dir=tmp_path / "run", device="cpu")
    log, resolved = tmp_path / "run" / "log.txt", tmp_path / "run" / "spec.resolved.json"
    log.write_text(f"2026-11-26 01:00:00  ended: it failed\n{log.read_text()}")
    (tmp_path / "run" / "summary.json").unlink()
    resolved.write_text(json.dumps({**json.loads(resolved.read_text()), "steps": None}))
    state = read_record(tmp_path / "run").state
    assert (state.ending, state.steps) == ("running", 12)


def test_wrong_use_is_one_message(launcher: Launcher, tmp_path: Path) -> None:
    said = launcher("report", ".", cwd=tmp_path).complaint(2)
    assert "is no run directory" in said


def test_a_report_that_fails_costs_no_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> str:
        raise ZeroDivisionError("of the page")

    monkeypatch.setattr(report_module, "html", broken)
    result = session.run(tiny_spec(), run_dir=tmp_path / "run")
    assert result.steps == 12 and not (tmp_path / "run" / "report.html").exists()
    last = (tmp_path / "run" / "log.txt").read_text().splitlines()[-1]
    assert "the report could not be written: of the page" in last


def test_a_run_that_breaks_off_leaves_a_report_that_says_why(tmp_path: Path) -> None:
    spec = tiny_spec(optimizer={"lr": 1e30})  # the second step has numbers that are not finite
    with pytest.raises(GantransError) as failure:
        session.run(spec, run_dir=tmp_path / "run")
    why = " ".join(str(failure.value).split())
    assert f"  ended: {why}\n" in (tmp_path / "run" / "log.txt").read_text()
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert report_module.report([tmp_path / "run"]).verdicts[0].sentence.endswith(why)
    assert "It broke off at step" in page and html.escape(why, quote=False)[:60] in page
