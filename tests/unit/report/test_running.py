from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gantrans.errors import FileError, UsageError
from gantrans.report.running import is_running, running
from gantrans.training.session import run

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no such locks")

RESOLVED = '{"spec": {}, "base_dir": ".", "plugin_files": {}}'

HOLD = """
import os, sys, time
from pathlib import Path
from gantrans.report.running import running
with running(Path(sys.argv[1])):
    child = os.fork()
    if child == 0:
        time.sleep(60)
    print(child, flush=True)
    time.sleep(60)
"""


def test_a_run_that_another_process_trains_is_known_and_refused_until_that_is_killed(
    tmp_path: Path,
) -> None:
    assert is_running(tmp_path) is None  # it was never trained, or by an older version
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        child = int(holder.stdout.readline())
        try:
            assert is_running(tmp_path) is True
            (tmp_path / "spec.resolved.json").write_text(RESOLVED)
            with pytest.raises(UsageError, match="is being trained by another process"):
                run(resume=tmp_path)  # before a checkpoint is looked at
            with pytest.raises(UsageError, match=f"process {holder.pid} on"), running(tmp_path):
                pass
        finally:
            holder.kill()
            holder.wait()
        try:  # what it forked lives on, as workers may for a moment
            assert is_running(tmp_path) is False
            with running(tmp_path):
                pass
        finally:
            subprocess.run(["kill", "-9", str(child)], check=True)


def test_asking_for_a_run_of_the_own_process_keeps_its_lock(tmp_path: Path) -> None:
    ask = "import sys; from pathlib import Path; from gantrans.report.running import is_running"
    command = [sys.executable, "-c", f"{ask}; print(is_running(Path(sys.argv[1])))", str(tmp_path)]
    with running(tmp_path):
        assert is_running(tmp_path) is True
        assert subprocess.run(command, capture_output=True, text=True).stdout.strip() == "True"
    assert is_running(tmp_path) is None and not list(tmp_path.iterdir())


def test_a_full_disk_stops_no_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", full)
    with running(tmp_path):
        pass


@pytest.mark.parametrize("how", ["symlink_to", "hardlink_to"])
def test_a_link_in_place_of_the_lock_is_refused_and_its_target_stays(
    tmp_path: Path, how: str
) -> None:
    thesis = tmp_path / "thesis.txt"
    thesis.write_text("five years of work")
    run = tmp_path / "run"
    run.mkdir()
    getattr(run / "running", how)(thesis)
    with pytest.raises(FileError, match=r"running: it is a (hard )?link"), running(run):
        pass
    assert thesis.read_text() == "five years of work"
    assert is_running(run) is None


def test_a_pipe_in_place_of_the_lock_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "running")
    assert is_running(tmp_path) is None
    with pytest.raises(FileError, match="pipe"), running(tmp_path):
        pass


def test_a_run_of_another_machine_cannot_be_told(tmp_path: Path) -> None:
    (tmp_path / "running").write_text("process 7 on some-other-machine\n")
    assert is_running(tmp_path) is None
