"""Frames through the network, in order, as many at once as a batch has."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

from gantrans.inference.files.picture import Picture
from gantrans.inference.files.stills import Drawn, Stills
from gantrans.inference.files.together import Together

T = TypeVar("T")


def translated(
    frames: Iterable[Picture],
    stills: Stills,
    together: Together,
    batch_size: int,
    watch: Callable[[int], None],
) -> Iterator[tuple[Picture, Drawn]]:
    """Each frame with what becomes of it. Raises DataError or NonFiniteError at the first failure.

    Args:
        frames: all of one size; taken as they are needed.
        stills: draws the results.
        together: translates.
        batch_size: frames at once.
        watch: told how many images more are translated.
    """
    coming = iter(frames)
    for first in coming:
        alone = together.size(first.image) is None
        batch = [first, *islice(coming, 0 if alone else batch_size - 1)]
        results = together([frame.image for frame in batch])
        watch(sum(result.error is None for result in results))
        for frame, result in zip(batch, results, strict=True):
            if result.error:
                raise result.error
            yield frame, stills.draw(result, frame)


def ahead(items: Iterator[T], depth: int) -> Generator[T, None, None]:
    """The same items in the same order, made by a thread that is up to `depth` of them ahead.

    Closing it waits for the thread.
    """
    end = object()
    with ThreadPoolExecutor(1, thread_name_prefix="ahead") as pool:
        coming = deque(pool.submit(next, items, end) for _ in range(depth))
        try:
            while (item := coming.popleft().result()) is not end:
                coming.append(pool.submit(next, items, end))
                yield item  # type: ignore[misc]  # no item is the end
        finally:
            pool.shutdown(cancel_futures=True)
