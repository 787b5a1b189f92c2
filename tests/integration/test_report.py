"""`gantrans report`, and the report that training leaves at its end."""

from __future__ import annotations

import html
import json
from pathlib import Path

import pytest

from drawn_run import drawn_run, fault
from gantrans.errors import GantransError
from gantrans.report import report as report_module
from gantrans.training import session
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
    drawn_run(tmp_path / "bad", health=[fault(300, "inverted")])
    made = launcher("report", "good", "bad", cwd=tmp_path)
    good, bad, where = made.out.splitlines()
    assert good.startswith("good: It works: ") and bad.startswith("bad: It does not work ")
    assert where.startswith("report.html: ")


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
