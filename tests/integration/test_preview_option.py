"""`gantrans run --preview`: samples in the terminal, and never anywhere else."""

from __future__ import annotations

import io
import os
import pty
import re
import threading
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from processes import Launcher, given

SAMPLES = given("train.sample_every=6")  # of 12 steps


def screen(launcher: Launcher, spec: Path, how: str, window: str) -> str:
    """What a terminal gets; one with the number of a window is kitty."""
    ours, theirs = pty.openpty()
    seen = bytearray()

    def read() -> None:
        try:
            while part := os.read(ours, 65536):
                seen.extend(part)
        except OSError:  # all have closed it
            pass

    reader = threading.Thread(target=read)
    reader.start()
    arguments = ["run", spec, *SAMPLES, "--preview", how, "--run-dir", "run"]
    others = dict.fromkeys(("TMUX", "STY", "TERM_PROGRAM", "LC_TERMINAL", "INSIDE_EMACS"), "")
    env = {**others, "KITTY_WINDOW_ID": window}
    process = launcher.start(*arguments, cwd=spec.parent, tty=os.ttyname(theirs), env=env)
    ended = process.wait()
    os.close(theirs)
    reader.join()
    os.close(ours)
    assert ended.code == 0, seen.decode()
    return seen.decode()


def pictures(text: str) -> list[Image.Image]:
    """Those of kitty's protocol: chunks, the last of which has m=0."""
    found, data = [], ""
    for keys, chunk in re.findall(r"\x1b_G([^;]*);([^\x1b]*)\x1b", text):
        data += chunk
        if keys.endswith("m=0"):
            found.append(Image.open(io.BytesIO(b64decode(data))))
            data = ""
    return found


@pytest.mark.parametrize(
    ("how", "window", "count"),
    [("auto", "1", 2), ("kitty", "", 2), ("auto", "", 0), ("none", "1", 0)],
)
def test_a_terminal_shows_the_samples_it_can_and_is_asked_for(
    launcher: Launcher, spec: Path, how: str, window: str, count: int
) -> None:
    text = screen(launcher, spec, how, window)
    assert ("\x1b_G" in text) == bool(count)
    shown = pictures(text)
    assert len(shown) == count
    assert all(100 < picture.width <= 560 for picture in shown)
    assert ("this terminal is not known to show images" in text) == (how == "auto" and not count)


def test_a_pipe_gets_one_line_instead(launcher: Launcher, spec: Path) -> None:
    ended = launcher("run", spec, *SAMPLES, "--preview", "sixel", cwd=spec.parent)
    assert ended.code == 0, ended
    assert ended.out.count("no preview of the samples: the output is not a terminal") == 1
    assert "\x1b" not in ended.out


def test_an_unknown_way_is_refused_before_a_run_directory_is_made(
    command: Callable[..., tuple[int, str, str]], spec: Path, tmp_path: Path
) -> None:
    code, _, error = command("run", str(spec), "--preview", "png")
    assert code == 2
    assert "--preview is one of none, auto, kitty, iterm, sixel, not 'png'" in error
    assert not (tmp_path / "runs").exists()
