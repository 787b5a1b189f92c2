from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

LIMIT = 60.0
"""Seconds after which a process that does not end is taken for stuck."""

SPEC = """\
name = "tiny"
seed = 7

[domains]
a = "summer"
b = "winter"

[method]
type = "cyclegan"
pool_size = 3

[data]
type = "seasons"
size = 16
train = 6
test = 2
workers = 0

[generator]
type = "resnet"
width = 2
blocks = 1

[discriminator]
type = "patchgan"
width = 2
layers = 1

[losses.adversarial]
[losses.cycle]

[train]
epochs = 2
log_every = 1
sample_every = 0
evaluate_every = 0
checkpoint_every = 2
samples = 1
"""
"""Twelve steps of a few milliseconds."""


@dataclass(frozen=True)
class Ended:
    """What a process left."""

    code: int
    out: str
    err: str


@dataclass
class Process:
    """A running `gantrans`, leader of its process group."""

    pid: int
    out: Path
    err: Path
    reap: Callable[[int], int]

    def send(self, number: signal.Signals) -> None:
        """To this process alone."""
        os.kill(self.pid, number)

    def send_group(self, number: signal.Signals) -> None:
        """To its data workers too, as a terminal does."""
        os.killpg(self.pid, number)

    def wait(self) -> Ended:
        """Until it has ended."""
        stuck = threading.Timer(LIMIT, os.killpg, (self.pid, signal.SIGKILL))
        stuck.start()
        try:
            code = self.reap(self.pid)
        finally:
            stuck.cancel()
        return Ended(code, self.out.read_text(), self.err.read_text())

    def wait_until(self, there: Callable[[], bool]) -> None:
        """Watch closely until something is there."""
        give_up = time.monotonic() + LIMIT
        while not there():
            if time.monotonic() > give_up:
                self.send_group(signal.SIGKILL)
                raise TimeoutError(self.wait())
            time.sleep(0.0005)


class Launcher:
    """Starts real `gantrans` processes without importing torch for each."""

    def __init__(self, server: subprocess.Popen[str], folder: Path) -> None:
        self._server, self.folder, self._count = server, folder, 0

    def _ask(self, request: dict[str, object]) -> int:
        assert self._server.stdin is not None and self._server.stdout is not None
        print(json.dumps(request), file=self._server.stdin, flush=True)
        return int(self._server.stdout.readline())

    def start(
        self, *arguments: object, cwd: Path, tty: str | None = None, uid: int | None = None
    ) -> Process:
        """`gantrans ARGUMENTS...` in the folder `cwd`."""
        self._count += 1
        out, err = (self.folder / f"{self._count}.{end}" for end in ("out", "err"))
        for file in (out, err):
            file.touch()
        request = {"arguments": [str(a) for a in arguments], "cwd": str(cwd), "tty": tty}
        pid = self._ask({**request, "uid": uid, "out": str(out), "err": str(err)})
        return Process(pid, out, err, lambda process: self._ask({"wait": process}))

    def __call__(self, *arguments: object, cwd: Path, uid: int | None = None) -> Ended:
        """Run to the end."""
        return self.start(*arguments, cwd=cwd, uid=uid).wait()


@pytest.fixture(scope="session")
def launcher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launcher]:
    """One for all tests of a session."""
    folder = tmp_path_factory.mktemp("processes")
    (folder / "tiny.toml").write_text(SPEC)
    with subprocess.Popen(
        [sys.executable, Path(__file__).with_name("launcher.py"), folder / "tiny.toml"],
        env={**os.environ, "OMP_NUM_THREADS": "1", "GANTRANS_PLUGINS": "none"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        yield Launcher(server, folder)


@pytest.fixture(scope="session")
def tiny() -> str:
    """The text of `spec`."""
    return SPEC


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    """A spec that trains in a fraction of a second."""
    path = tmp_path / "tiny.toml"
    path.write_text(SPEC)
    return path
