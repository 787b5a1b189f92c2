"""The process that decodes and encodes can be ended at any time, and gets over everything."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from gantrans.errors import DataError
from gantrans.serving.codec import Codec, read_image
from gantrans.serving.problem import Problem
from hostile_images import HOSTILE, image_file


@pytest.fixture(scope="module")
def codec() -> Iterator[Codec]:
    with closing(Codec()) as codec:
        yield codec


def nothing() -> None:
    """Let it work."""


def read(codec: Codec, content: bytes) -> Any:
    return codec(partial(read_image, content, Path("a.png"), 3, 1_000_000), nothing)


def test_it_is_another_process_and_needs_no_torch(codec: Codec) -> None:
    assert codec(os.getpid, nothing) not in (os.getpid(), None)
    assert codec(partial(eval, "'torch' in __import__('sys').modules"), nothing) is False


def test_what_its_work_raises_is_raised_here(codec: Codec) -> None:
    with pytest.raises(DataError, match=r"cannot read the image a\.png: .*truncated"):
        read(codec, HOSTILE["png cut off"][0])
    with pytest.raises(Problem, match="at most 1 megapixels") as caught:
        read(codec, HOSTILE["png of a gigapixel"][0])
    assert caught.value.status == 413


def test_work_that_is_not_wanted_any_more_is_ended_and_the_next_is_done(codec: Codec) -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    before = codec(os.getpid, nothing)
    with pytest.raises(KeyboardInterrupt):
        codec(partial(time.sleep, 3600), stop)

    with pytest.raises(ProcessLookupError):
        os.kill(before, 0)
    assert read(codec, image_file("GIF"))[1] == "GIF"


@pytest.mark.parametrize(
    ("work", "raised"),
    [
        (partial(os._exit, 7), DataError),
        (partial(signal.raise_signal, signal.SIGSEGV), DataError),
        (partial(signal.raise_signal, signal.SIGKILL), MemoryError),
    ],
    ids=["exit", "crash", "killed by the system"],
)
def test_when_it_dies_that_is_told_and_the_next_is_done(
    work: Callable[[], None], raised: type[Exception], codec: Codec
) -> None:
    with pytest.raises(raised):
        codec(work, nothing)

    assert read(codec, image_file("GIF"))[1] == "GIF"


def test_libraries_have_nothing_to_say_on_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    content = HOSTILE["tiff of a tile of 16 megapixels"][0]
    with closing(Codec()) as codec, pytest.raises(DataError):
        read(codec, content)

    assert capfd.readouterr() == ("", "")
