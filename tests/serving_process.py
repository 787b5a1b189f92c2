"""A process of `gantrans serve`, and how to ask it."""

from __future__ import annotations

import io
import re
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
from PIL import Image

import gantrans
from processes import Launcher, Process
from served_model import write_run

LIMITS = ("--max-upload", "60kB", "--max-pixels", "10000")


@dataclass(frozen=True)
class Running:
    """A server, and where it is."""

    process: Process
    url: str
    run: Path

    def translated(self, image: Image.Image, to: str = "winter") -> bytes:
        """The pixels that Python gets of the same model."""
        return gantrans.load(self.run, device="cpu").translate(image, to).tobytes()

    def ask(self, content: bytes, to: str = "winter") -> httpx2.Response:
        """The translation of seasons-001, as an image."""
        return httpx2.post(
            self.url + "api/translate",
            files={"file": ("photo.png", content)},
            data={"model": "seasons-001", "to": to},
            headers={"Accept": "image/*"},
            timeout=60,
        )


def started(launcher: Launcher, folder: Path, *arguments: object) -> Process:
    """`gantrans serve ARGUMENTS...`, once it has said its address."""
    process = launcher.start("serve", *arguments, "--device", "cpu", cwd=folder)
    process.wait_until(
        lambda: "http://" in process.out.read_text() or bool(process.err.read_text())
    )
    return process


def address(process: Process) -> str:
    found = re.search(r"http://\S+/", process.out.read_text())
    assert found, process.err.read_text()
    return found[0]


@contextmanager
def serving(launcher: Launcher, folder: Path, limits: Sequence[str] = LIMITS) -> Iterator[Running]:
    """One of two models, of both ways and of one; it ends well, and has said nothing else."""
    run = write_run(folder / "seasons-001")
    other = write_run(folder / "etchings-001", directions=("ab",))
    process = started(launcher, folder, run, other, "--port", 0, *limits)
    try:
        yield Running(process, address(process), run)
    finally:
        process.send(signal.SIGINT)
        ended = process.wait()
    assert (ended.code, ended.err) == (130, "interrupted\n"), ended.err


def pixels(content: bytes) -> bytes:
    return Image.open(io.BytesIO(content)).tobytes()
