"""health.jsonl as periods."""

from __future__ import annotations

from pathlib import Path

from drawn_run import fault, write_lines
from gantrans.report.faults import read_health


def test_a_fault_lasts_from_its_beginning_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "health.jsonl"
    write_lines(
        path,
        [
            {"step": 200, "state": "judging"},
            fault(300, "collapsed", since=240),
            fault(310, "collapsed", where="winter->summer", since=250),
            fault(400, "collapsed", state="ended", since=240),
            fault(500, "saturated", severity="warning"),
        ],
    )
    health = read_health(path)
    assert [(p.fault, p.where, p.since, p.until) for p in health.periods] == [
        ("collapsed", "summer->winter", 240, 400),
        ("collapsed", "winter->summer", 250, None),
        ("saturated", "summer->winter", 450, None),
    ]
    assert [p.where for p in health.active("fault")] == ["winter->summer"]
    assert [p.fault for p in health.active("warning")] == ["saturated"]
    assert health.judged and health.damaged == 0


def test_the_gravest_fault_comes_first(tmp_path: Path) -> None:
    path = tmp_path / "health.jsonl"
    write_lines(
        path, [fault(100, "something_new"), fault(200, "collapsed"), fault(300, "inverted")]
    )
    assert [p.fault for p in read_health(path).active("fault")] == [
        "inverted", "collapsed", "something_new",
    ]  # fmt: skip


def test_an_empty_file_judges_nothing_and_damaged_lines_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "health.jsonl"
    path.write_text("")
    assert not read_health(path).judged
    path.write_text('{"step": 1, "fa\n{"step": 2}\n{"step": 3, "fault": 7}\n')
    health = read_health(path)
    assert health.periods == () and health.damaged == 3


def test_faults_that_come_and_go_without_end_are_bounded(tmp_path: Path) -> None:
    path = tmp_path / "health.jsonl"
    lines = []
    for n in range(0, 4000, 2):
        lines += [fault(n, "saturated"), fault(n + 1, "saturated", state="ended")]
    write_lines(path, [*lines, fault(5000, "collapsed")])
    health = read_health(path)
    assert len(health.periods) <= 301 and health.left_out == 1700
    assert [p.fault for p in health.active("fault")] == ["collapsed"]
