"""Runs that somebody else made, damaged in every file: no traceback, no hang, nothing given away.

Each command either does its work or ends with one message, whatever lies in the run directory.
"""

from __future__ import annotations

import io
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import pytest

import gantrans
from drawn_run import drawn_run
from gantrans.errors import GantransError, UsageError
from gantrans.report.report import report
from gantrans.training.distributed import Ranks
from gantrans.training.judge import judge
from gantrans.training.reopening import reopen
from gantrans.training.rundir import RunDirectory
from processes import everything
from tiny_run import tiny_spec

Command = Callable[..., tuple[int, str, str]]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pipes and links of POSIX")

LIMIT = 30
"""Seconds after which a command hangs; each takes a fraction of one."""

SECRET = "the outside world"

PLUGIN = """
import gantrans

class Brightness(gantrans.Loss):
    "Keeps the mean brightness."
    name = "brightness"
    requires = {"fake"}

    def generator(self, step):
        return sum((step.fake[d].mean() - step.real[d].mean()).abs() for d in "ab")
"""

NEWEST = "checkpoints/step-00000002"

MODEL = ["translate", "evaluate", "resume"]
READERS = {
    "spec.toml": ["report"],
    "spec.resolved.json": ["report", "evaluate", "resume"],
    "metrics.jsonl": ["report"],
    "health.jsonl": ["report"],
    "data.json": ["report"],
    "summary.json": ["report"],
    "log.txt": ["report"],
    "batch.png": ["report"],
    "running": ["report", "resume"],
    "samples": ["report"],
    "samples/step-00000002.png": ["report"],
    "plugins": ["evaluate", "resume"],
    "plugins/brightness.py": ["evaluate", "resume"],
    "checkpoints": ["report", *MODEL],
    "checkpoints/latest": ["translate"],
    "checkpoints/best": ["translate"],
    NEWEST: ["report", *MODEL],
    f"{NEWEST}/training.json": ["report", *MODEL],
    f"{NEWEST}/training.safetensors": ["resume"],
    f"{NEWEST}/generator_ab.safetensors": MODEL,
}
"""By file or folder of a run: the commands that read it."""


def put(content: bytes) -> Callable[[Path, Path], object]:
    return lambda file, outside: file.write_bytes(content)


def linked(target: str) -> Callable[[Path, Path], object]:
    return lambda file, outside: file.symlink_to(target)


DAMAGE: dict[str, Callable[[Path, Path], object]] = {
    "missing": lambda file, outside: None,
    "empty": put(b""),
    "no text": put(b"\xff\xfe\x00 and so on"),
    "a folder": lambda file, outside: file.mkdir(),
    "a pipe": lambda file, outside: os.mkfifo(file),
    "a link outside": lambda file, outside: file.symlink_to(outside),
    "a link to itself": lambda file, outside: file.symlink_to(file.name),
    "a link to nothing": linked("nowhere/at/all"),
    "a device without end": linked("/dev/zero"),
}
JSON = {
    "deep": put(b"[" * 200_000 + b"]" * 200_000),
    "deep tables": put(b'{"a":' * 900 + b"1" + b"}" * 900),
    "half a character": put(b'{"spec": {"name": "\\ud800"}, "files": {"\\ud800": "\\udfff"}}'),
    "a huge number": put(b'{"step": ' + b"9" * 4000 + b', "spec": {"seed": 1e999}}'),
    "a number beyond all": put(b'{"step": ' + b"9" * 9000 + b"}"),
    "no table": put(b'["spec", NaN]'),
    "too long": put(b'"' + b" " * (17 * 2**20) + b'"'),
}
LEADS_AWAY = ("a pipe", "a link outside", "a link to itself", "a link to nothing")
"""Damage that `run --resume` refuses, whatever the file is called: it might write to it."""


@contextmanager
def no_hang() -> Iterator[None]:
    def late(*_: object) -> None:
        raise TimeoutError("it hangs")

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, LIMIT)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of two steps with a one-file plugin, not to be changed."""
    folder = tmp_path_factory.mktemp("received")
    (folder / "brightness.py").write_text(PLUGIN)
    spec = tiny_spec(
        data={"size": 16, "train": 2, "test": 1},
        losses={"identity": None, "brightness": {}},
        generator={"width": 2},
        discriminator={"width": 2, "layers": 1},
        train={"epochs": 1, "log_every": 1, "samples": 1},
        metrics={"psnr": {}},
    )
    run = gantrans.run(
        spec, run_dir=folder / "run", plugins=[folder / "brightness.py"], device="cpu"
    ).path
    (run / "spec.toml").write_text("name = 'tiny'\n")
    (run / "running").write_text(f"process 7 on {os.uname().nodename}\n")
    return run


@pytest.fixture
def run(whole: Path, tmp_path: Path) -> Path:
    (tmp_path / "outside").write_text(SECRET)
    return Path(shutil.copytree(whole, tmp_path / "run"))


def commands(run: Path) -> dict[str, Callable[[], object]]:
    return {
        "report": lambda: report([run], run.parent / "report.html"),
        "translate": lambda: gantrans.load(run, device="cpu"),
        "evaluate": lambda: judge(run, metrics=["psnr"], device="cpu"),
        "resume": lambda: gantrans.run(resume=run, device="cpu"),
    }


def attempt(run: Path, names: Iterable[str]) -> dict[str, str]:
    """What some commands say, "" if they do their work; whatever is no message is raised."""
    said = {}
    for name in names:
        with no_hang():
            try:
                commands(run)[name]()
                said[name] = ""
            except GantransError as error:
                said[name] = str(error)
    return said


def test_the_run_itself_is_sound(run: Path) -> None:
    said = attempt(run, commands(run))
    assert "is finished" in said.pop("resume")
    assert set(said.values()) == {""}


@pytest.mark.parametrize("how", {**DAMAGE, **JSON})
def test_damage_is_one_message_and_nothing_outside_is_read_or_written(
    whole: Path, tmp_path: Path, how: str
) -> None:
    for name, readers in READERS.items():
        if how in JSON and not name.endswith(".json"):
            continue
        run = Path(shutil.copytree(whole, tmp_path / "run"))
        place, outside = run / name, tmp_path / "outside"
        if place.is_dir():
            shutil.copytree(place, outside)
            shutil.rmtree(place)
        else:
            outside.write_text(SECRET)
            place.unlink()
        {**DAMAGE, **JSON}[how](place, outside)
        before = everything(outside) if outside.is_dir() else outside.read_bytes()
        if how in LEADS_AWAY:
            readers = [*readers, "resume"]
        said = attempt(run, readers)
        page = tmp_path / "report.html"
        if "report" in said and said["report"] == "":
            assert SECRET not in page.read_text(encoding="utf-8"), name
        if how in LEADS_AWAY:
            assert said["resume"] and "is finished" not in said["resume"], (name, said)
        assert before == (everything(outside) if outside.is_dir() else outside.read_bytes()), name
        shutil.rmtree(run)
        shutil.rmtree(outside) if outside.is_dir() else outside.unlink()
        page.unlink(missing_ok=True)
        assert list(tmp_path.iterdir()) == [], name


@pytest.fixture
def newcomer(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the run for a user, and a process, that has never executed its plugin."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for name in executed():
        monkeypatch.delitem(sys.modules, name)
    return Path(shutil.copytree(whole, tmp_path / "run"))


def executed() -> list[str]:
    return [name for name in sys.modules if name.startswith("gantrans_file_plugin_brightness")]


EVALUATE = ["evaluate", "run", "--metrics", "psnr", "--device", "cpu"]


@pytest.mark.parametrize("arguments", [EVALUATE, ["run", "--resume", "run", "--device", "cpu"]])
def test_the_code_of_a_received_run_is_executed_once_the_user_agrees(
    newcomer: Path, command: Command, arguments: list[str]
) -> None:
    code, out, err = command(*arguments)
    assert (code, out, executed()) == (2, "", [])
    digest = sha256(PLUGIN.encode()).hexdigest()
    assert "run/plugins/brightness.py" in err and digest in err and "--trust" in err
    assert "--trust" not in command(*arguments, "--trust")[2] and executed()
    assert "--trust" not in command(*arguments)[2]  # it is remembered


def test_on_a_terminal_the_user_is_asked(
    newcomer: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    for answer, code in (("no", 2), ("", 2), ("yes", 0), ("asked once only", 0)):
        terminal = io.StringIO(f"{answer}\n")
        with monkeypatch.context() as patch:
            patch.setattr(terminal, "isatty", lambda: True, raising=False)
            patch.setattr(sys, "stdin", terminal)
            patch.setattr(sys.stdout, "isatty", lambda: True)
            ended = command(*EVALUATE)
        assert ended[0] == code, ended
        assert ("brightness.py" in ended[1]) == (answer != "asked once only")


def test_no_other_command_executes_it(newcomer: Path, command: Command) -> None:
    assert command("report", "run")[0] == 0
    assert gantrans.load(newcomer, device="cpu").targets
    for spoken in (lambda: gantrans.run(resume=newcomer), lambda: judge(newcomer)):
        with pytest.raises(UsageError, match="trust=True"):
            spoken()
    assert executed() == []


class TwoRanks(Ranks):
    """Those of a run without the other."""

    def exchange(self, value: object) -> list[object]:
        return [value, None]


def test_of_several_ranks_none_asks(newcomer: Path) -> None:
    def ask(copies: object) -> bool:
        raise AssertionError("nobody would answer")

    with pytest.raises(UsageError, match="--trust"):
        reopen(RunDirectory(newcomer), None, None, (), [], "cpu", TwoRanks(count=2), ask)


def test_a_plugin_that_the_user_names_needs_no_further_word(
    newcomer: Path, command: Command
) -> None:
    assert command(*EVALUATE, "--plugin", "run/plugins/brightness.py")[0] == 0
    assert command(*EVALUATE)[0] == 0


def test_names_in_a_run_do_not_steer_the_terminal_of_who_reports_on_it(
    tmp_path: Path, command: Command
) -> None:
    run = drawn_run(tmp_path / "run", swd=(310.0, 320.0, 90.0), finished=False)
    (run / "log.txt").write_text("2026-11-26 02:00:00  ended: \x1b[2J\x9b2J\u202e gone\n")
    code, out, err = command("report", "run")
    assert code == 0 and "\\x1b[2J\\x9b2J\\u202e gone" in out
    assert all(c.isprintable() or c == "\n" for c in out + err)
