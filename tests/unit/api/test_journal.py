from __future__ import annotations

from pathlib import Path

from gantrans.api.journal import Journal, entries


def test_lines_are_there_at_once_in_order(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j.jsonl", 0)
    journal.write(20, {"loss": 0.1})
    journal.write(40, {"loss": 0.2})
    found = list(entries(tmp_path / "j.jsonl"))
    assert found == [{"step": 20, "loss": 0.1}, {"step": 40, "loss": 0.2}]
    journal.close()


def test_a_resume_forgets_later_steps_and_damaged_lines_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    path.write_bytes(
        b'{"step": 1, "x": 0.1}\nnonsense\n[3]\n{"x": 1}\n\xff\n{"step": 3}\n{"step": 2}\n{"st'
    )
    journal = Journal(path, 2)
    journal.write(3, {"x": 5})
    journal.close()
    assert path.read_text() == '{"step": 1, "x": 0.1}\n{"step": 2}\n{"step": 3, "x": 5}\n'
