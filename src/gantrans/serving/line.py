"""Translations wait in a line: one is computed at a time, in the order in which they came.

One at a time, because each takes all cores, or the GPU, and because what is free of the memory is
one picture's. A thread computes. It cannot be ended from outside, so a translation that is
not wanted any more is asked to stop, and does at its next layer, or the next piece of a large
picture; the process in which its file is decoded or encoded is ended.

A request has its place until its translation is there. Reading the answer takes none: clients that
do not read are left to their connections.
"""

from __future__ import annotations

import asyncio
import math
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic
from typing import Any, Generic, TypeVar

from gantrans.serving.codec import Codec
from gantrans.serving.limits import Limits
from gantrans.serving.problem import Problem

T = TypeVar("T")
Look = Callable[[float], None]
"""Told which share of a translation is done; what it raises ends the translation."""

UPLOADS = 32
"""Images that may be on their way at once, beside those that wait."""

TICK = 0.2
"""Seconds between two looks at how far a translation is."""


class Stopped(BaseException):
    """Ends a translation from inside; no `except Exception` on the way takes it for a failure."""


@dataclass(frozen=True)
class Progress:
    """How far a translation is.

    Args:
        ahead: how many are before it; 0 if it is computed.
        share: of it that is done, 0 to 1.
    """

    ahead: int
    share: float


class _Turn(Generic[T]):
    """One translation, in the line or at its turn."""

    def __init__(self, work: Callable[[Look], T]) -> None:
        self.work, self.share = work, 0.0
        self.came = monotonic()
        self.began: float | None = None
        self.future: Future[T | BaseException]
        self._unwanted = threading.Event()

    @property
    def waits(self) -> bool:
        """Whether somebody waits for the result."""
        return not (self.future.done() or self._unwanted.is_set())

    def stop(self) -> None:
        self._unwanted.set()

    def look(self, share: float) -> None:
        if self._unwanted.is_set():
            raise Stopped
        self.share = share

    def __call__(self) -> T | BaseException:
        """What came of it. It raises nothing: nobody may be there to hear it."""
        self.began = monotonic()
        try:
            self.look(0)
            return self.work(self.look)
        except BaseException as error:
            return error


class Line:
    """Where translations wait. All but the computing is of one event loop's thread.

    Args:
        limits: how many may wait, and for how long.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.codec = Codec()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="translating")
        self._turns: list[_Turn[Any]] = []
        self._uploads = 0
        self._lasted, self._closed = 1.0, False

    @property
    def waiting(self) -> int:
        """Requests that have a place, the one that is computed among them."""
        return sum(turn.waits for turn in self._turns)

    @contextmanager
    def upload(self) -> Iterator[None]:
        """While an image is read, which takes no place. Raises Problem if there would be none."""
        self._refuse_full()
        if self._uploads >= UPLOADS:
            raise Problem(503, f"{UPLOADS} images are being sent already: try again later", 10)
        self._uploads += 1
        try:
            yield
        finally:
            self._uploads -= 1

    def __call__(self, work: Callable[[Look], T]) -> AsyncGenerator[Progress | T, None]:
        """Give the work a place, and return how far it is now and then, and at last its result.

        Whoever does not want the result closes the generator, and the work stops soon. The
        generator raises what the work raises.

        Raises:
            Problem: at once if no place is left; from the generator if its turn does not come in
                time, it takes too long, or the server ends.
        """
        self._refuse_full()
        turn = _Turn(work)
        turn.future = self._pool.submit(turn)
        self._turns = [*self._unfinished(), turn]
        return self._followed(turn)

    async def _followed(self, turn: _Turn[T]) -> AsyncGenerator[Progress | T, None]:
        ended = asyncio.wrap_future(turn.future)
        try:
            while not turn.future.done():
                yield Progress(self._ahead(turn), turn.share)
                await asyncio.wait([ended], timeout=TICK)
                self._refuse_late(turn)
        finally:
            turn.stop()
            self._turns = self._unfinished()  # images are in the others
        result = turn.future.result()
        self._lasted = monotonic() - (turn.began or turn.came)
        if isinstance(result, Stopped):
            raise _ending()
        if isinstance(result, BaseException):
            raise result
        yield result

    def close(self) -> None:
        """Have everything stop; what waits is refused."""
        if self._closed:
            return
        self._closed = True
        for turn in self._turns:
            turn.stop()
        self._pool.submit(self.codec.close)
        self._pool.shutdown(wait=False)

    def _refuse_full(self) -> None:
        if self._closed:
            raise _ending()
        if (waiting := self.waiting) > self.limits.queue:
            seconds = math.ceil(min(self._lasted * waiting, self.limits.seconds))
            raise Problem(503, f"{waiting} images wait already: try again later", seconds)

    def _unfinished(self) -> list[_Turn[Any]]:
        return [turn for turn in self._turns if not turn.future.done()]

    def _ahead(self, turn: _Turn[T]) -> int:
        return sum(not t.future.done() for t in self._turns[: self._turns.index(turn)])

    def _refuse_late(self, turn: _Turn[T]) -> None:
        most = self.limits.seconds
        if turn.future.done():
            return
        if self._closed:
            raise _ending()
        if turn.began is None and monotonic() - turn.came > most:
            raise Problem(
                503, f"its turn did not come within {most:g} seconds: try again later", 10
            )
        if turn.began is not None and monotonic() - turn.began > most:
            raise Problem(
                504,
                f"the translation took longer than {most:g} seconds, and is being stopped: give a "
                "smaller image, or start the server with a higher --timeout",
            )


def _ending() -> Problem:
    return Problem(503, "the server is being shut down")
