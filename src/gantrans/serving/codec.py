"""Image files are decoded and encoded in a process of their own, which can be ended.

Neither the bytes of a file nor its pixels bound the time that Pillow takes: 34 s for a progressive
JPEG of 120 kB with 8,000 scans, 8 s for a PNG of 11 MiB of empty chunks, 75 s to write 25
megapixels of noise as GIF. Pillow cannot be interrupted; a process can be killed. It imports no
torch: it starts in 0.1 s, and holds 20 MB when idle.

The two processes send each other pickles. Both run this code; from a client come bytes alone.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from PIL import Image, UnidentifiedImageError

from gantrans.errors import DataError, GantransError
from gantrans.inference.files.formats import WITH_ALPHA
from gantrans.inference.files.picture import MEGAPIXEL, Picture, at_most, is_moving, opened, picture
from gantrans.inference.files.shown import shown
from gantrans.serving.problem import Problem

T = TypeVar("T")

KNOWN = "PNG, JPEG, WebP, TIFF, BMP or GIF"

TICK = 0.1
"""Seconds between two calls of `check` while the process works."""


class Codec:
    """A process that works for one thread, started when there is something to do."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="codec")

    def __call__(self, work: Callable[[], T], check: Callable[[], None]) -> T:
        """Return what `work` returns in the process, or raise what it raises.

        Args:
            work: a function that can be pickled, such as a partial of `read_image`.
            check: called every 0.1 s; what it raises ends the process, and is raised.

        Raises:
            DataError: if the process crashes.
            MemoryError: if the system kills it.
        """
        process = self._process = self._process or _started()
        answer = self._thread.submit(_exchange, process, work)
        try:
            while not wait([answer], TICK).done:
                check()
            result = answer.result()
        except (EOFError, OSError, pickle.UnpicklingError):
            code = process.wait()
            self._end()
            if code == -9:  # SIGKILL: Linux ends a process so when no memory is left
                raise MemoryError from None
            raise DataError(
                f"decoding or encoding this image crashes Pillow (exit code {code}): give another"
            ) from None
        except BaseException:
            self._end()
            raise
        if isinstance(result, Exception):
            raise result
        return result

    def close(self) -> None:
        """End the process, and need no other."""
        self._end()
        self._thread.shutdown()

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            assert pipe is not None
            with suppress(OSError):  # what was not sent cannot be any more
                pipe.close()


def read_image(content: bytes, path: Path, channels: int, pixels: int) -> tuple[Picture, str]:
    """Decode an image file.

    Args:
        content: the bytes of the file.
        path: its name, for messages; nothing is read there.
        channels: 1 or 3, of the network that is given the image.
        pixels: the most that it may have, by the head of the file.

    Returns:
        The image for the network, and Pillow's name of the file's format.

    Raises:
        Problem: if it has more pixels, is of no format that is known, or moves.
        DataError: if the file is damaged.
    """
    with _told(path, pixels), at_most(pixels / MEGAPIXEL), opened(path, content) as image:
        format = _format(image)
        return picture(image, channels, alpha=format in WITH_ALPHA), format


@contextmanager
def _told(path: Path, pixels: int) -> Iterator[None]:
    """Raise Problem in place of some errors of reading a file."""
    try:
        yield
    except GantransError as error:
        cause = error.__cause__
        if isinstance(cause, UnidentifiedImageError):
            raise Problem(
                415, f"{shown(path)} is no image that can be read here: give {KNOWN}"
            ) from None
        if isinstance(cause, Image.DecompressionBombError | Image.DecompressionBombWarning):
            most = pixels / MEGAPIXEL
            raise Problem(
                413, f"the image has too many pixels: at most {most:g} megapixels are taken here"
            ) from None
        if isinstance(cause, Problem):
            raise cause from None
        raise


def _format(image: Image.Image) -> str:
    """Return Pillow's name of the format. Raises Problem if the file holds several images."""
    format = "JPEG" if image.format == "MPO" else str(image.format)
    if is_moving(image):
        raise Problem(
            415,
            "the file has several images, an animation or pages: give one alone, or translate it "
            "with gantrans translate",
        )
    return format


def _started() -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-P", "-m", __name__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        start_new_session=True,  # Ctrl-C in a terminal ends the server, which ends this
    )


def _exchange(process: subprocess.Popen[bytes], work: Callable[[], T]) -> T | Exception:
    """Send the work and receive its result, or what it raises."""
    assert process.stdin is not None and process.stdout is not None
    pickle.dump(work, process.stdin)
    process.stdin.flush()
    result: T | Exception = pickle.load(process.stdout)
    return result


def main() -> None:
    """Be the process: do the work that comes on standard input until that ends."""
    answers = os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):  # libtiff complains of damaged files there
        os.dup2(nothing, descriptor)
    with suppress(EOFError, BrokenPipeError):
        while True:
            work = pickle.load(sys.stdin.buffer)
            try:
                result = work()
            except Exception as error:
                result = error
            pickle.dump(result, answers)
            answers.flush()


if __name__ == "__main__":
    main()
