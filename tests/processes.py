"""Real `gantrans` processes, to be watched, interrupted and killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from gantrans.inference.model_files import checkpoint_folders
from gantrans.training import checkpoint

LIMIT = 60.0
"""Seconds after which a process that does not end is taken for stuck."""


@dataclass(frozen=True)
class Ended:
    """What a process left."""

    code: int
    out: str
    err: str

    def complaint(self, code: int) -> str:
        """The one message of a command that failed with `code`."""
        assert self.code == code, self
        assert "Traceback" not in self.out + self.err
        assert self.err.startswith("error: ") and "\nerror: " not in self.err, self.err
        return self.err


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
        self,
        *arguments: object,
        cwd: Path,
        tty: str | None = None,
        uid: int | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Process:
        """`gantrans ARGUMENTS...` in the folder `cwd`, with more in its environment."""
        self._count += 1
        out, err = (self.folder / f"{self._count}.{end}" for end in ("out", "err"))
        for file in (out, err):
            file.touch()
        request = {"arguments": [str(a) for a in arguments], "cwd": str(cwd), "tty": tty}
        files = {"out": str(out), "err": str(err)}
        pid = self._ask({**request, **files, "uid": uid, "env": dict(env or {})})
        return Process(pid, out, err, lambda process: self._ask({"wait": process}))

    def __call__(self, *arguments: object, cwd: Path, uid: int | None = None) -> Ended:
        """Run to the end."""
        return self.start(*arguments, cwd=cwd, uid=uid).wait()


def everything(folder: Path) -> dict[str, bytes | None]:
    """What is in a folder: the content of each file, None for each folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


def given(*settings: str) -> list[str]:
    """--set before each."""
    return [part for setting in settings for part in ("--set", setting)]


def last_step(run: Path) -> int:
    """Of the newest checkpoint, which is whole."""
    folders = checkpoint_folders(run / "checkpoints")
    return int(checkpoint.load(folders[-1], torch.device("cpu")).facts["step"]) if folders else 0
