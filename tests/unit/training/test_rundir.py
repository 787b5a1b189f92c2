from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from gantrans.errors import GantransError, UsageError
from gantrans.inference.model_files import sha256_of
from gantrans.spec.load import LoadedSpec, load, validate
from gantrans.training import rundir

SPEC = """\
name = "try"
[data]
type = "seasons"
[losses.cycle]
[losses.{loss}]
"""
LOSS = """
import gantrans

class Mine(gantrans.Loss):
    "A loss."
    name = "{name}"
    def generator(self, step):
        return 0
"""


@pytest.fixture
def loaded(tmp_path: Path) -> LoadedSpec:
    (tmp_path / "try.toml").write_text(SPEC.format(loss="adversarial"))
    return load(tmp_path / "try.toml")


def test_a_directory_that_cannot_be_filled_does_not_appear(
    tmp_path: Path, loaded: LoadedSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(rundir, "_copy_plugins", full)
    with pytest.raises(GantransError, match=r"No space left on device.*--run-dir"):
        rundir.create(loaded, None, tmp_path / "runs")
    assert list((tmp_path / "runs").iterdir()) == []


def test_a_number_taken_by_another_process_is_passed_over(
    tmp_path: Path, loaded: LoadedSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = tmp_path / "runs"
    right = Path.rename

    def late(self: Path, target: Path) -> Path:
        if Path(target).name == "try-001" and not Path(target).exists():
            (target / "theirs").mkdir(parents=True)
        return right(self, target)

    monkeypatch.setattr(Path, "rename", late)
    assert rundir.create(loaded, None, runs).path == runs / "try-002"
    assert (runs / "try-001" / "theirs").is_dir()


def test_a_filled_directory_is_refused(tmp_path: Path, loaded: LoadedSpec) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "x").touch()
    for place in (tmp_path / "mine", tmp_path / "mine" / "x"):
        with pytest.raises(UsageError, match="not empty"):
            rundir.create(loaded, place, tmp_path / "runs")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["x"]


def test_two_plugins_of_one_file_name_are_both_kept(tmp_path: Path) -> None:
    files = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        files.append(tmp_path / name / "loss.py")
        files[-1].write_text(LOSS.format(name=name))
    (tmp_path / "try.toml").write_text(SPEC.format(loss="first"))
    loaded = load(tmp_path / "try.toml", plugins=files)
    run = rundir.create(loaded, tmp_path / "run", tmp_path)
    source, copies = rundir.recorded(run)
    assert sorted(copy.read_text() for copy in copies) == sorted(f.read_text() for f in files)
    again = load(source, plugins=copies)
    assert again.run == loaded.run.model_copy(update={"plugins": ()})
    rundir.record(run, again)  # recording again changes nothing
    assert sorted(rundir.recorded(run)[1]) == sorted(copies)


def test_the_record_validates_to_the_same_spec(tmp_path: Path, loaded: LoadedSpec) -> None:
    run = rundir.create(loaded, tmp_path / "run", tmp_path)
    source, _ = rundir.recorded(run)
    assert validate(source, loaded.registry) == loaded.run
    assert source.base_dir == tmp_path


@pytest.mark.parametrize("content", ["", "[]", '{"spec": 1}', '{"spec": {}, "base_dir": 3}'])
def test_what_is_no_record_is_no_run(tmp_path: Path, content: str) -> None:
    (tmp_path / rundir.RESOLVED).write_text(content)
    with pytest.raises(UsageError, match="no run directory"):
        rundir.reopen(tmp_path)


def test_a_record_names_no_plugin_outside_the_run(tmp_path: Path, loaded: LoadedSpec) -> None:
    run = rundir.create(loaded, tmp_path / "run", tmp_path)
    (tmp_path / "evil.py").write_text("raise SystemExit")
    record = json.loads((run.path / rundir.RESOLVED).read_text())
    record["plugin_files"] = {"../../evil.py": sha256_of(tmp_path / "evil.py")}
    run.write_json(rundir.RESOLVED, record)
    with pytest.raises(UsageError, match="missing"):
        rundir.recorded(run)
