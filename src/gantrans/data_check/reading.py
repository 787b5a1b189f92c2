"""Looking at all images, in several processes."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import active_children
from signal import SIG_IGN, SIGINT, signal

from PIL import Image

from gantrans.api.dataset import ImageSource
from gantrans.api.transform import DomainTransform
from gantrans.data_check.facts import ImageFacts
from gantrans.data_check.look import look
from gantrans.errors import GantransError
from gantrans.plugin.carried import FilePlugins

FEW = 64
"""Images that are read before processes to read them would have started."""
TOGETHER = 16
"""Images that a process reads before it tells of them."""

Told = Callable[[int], None]


@dataclass(frozen=True)
class Images:
    """The images of one group.

    Args:
        plugins: what a reading process must know first, and therefore comes first.
        source: the images.
        transform: what the spec does to them; None without a spec.
        channels: that they are converted to.
    """

    plugins: FilePlugins
    source: ImageSource
    transform: DomainTransform | None
    channels: int

    def facts(self, numbers: range) -> list[ImageFacts]:
        """Of some of them."""
        return [look(self.source, n, self.transform, self.channels) for n in numbers]


def cores() -> int:
    """Processors that this process may use."""
    own = getattr(os, "sched_getaffinity", None)
    return len(own(0)) if own else os.cpu_count() or 1


def read_all(
    images: Sequence[Images], workers: int, told: Told = lambda count: None
) -> list[list[ImageFacts]]:
    """The facts of every image of every group.

    Args:
        images: the groups.
        workers: processes that read; 1 or less, and few images: this one.
        told: called with the number of images that were read since the last time.

    Raises:
        GantransError: if a process was killed.
    """
    parts = [
        (place, range(at, min(at + TOGETHER, len(one.source))))
        for place, one in enumerate(images)
        for at in range(0, len(one.source), TOGETHER)
    ]
    found: list[list[ImageFacts]] = [[] for _ in images]
    with quiet_about_large_ones():
        few = sum(len(one.source) for one in images) <= FEW
        if few or workers <= 1:
            for place, numbers in parts:
                found[place] += images[place].facts(numbers)
                told(len(numbers))
            return found
        with _processes(images, workers) as processes:
            asked: dict[Future[list[ImageFacts]], int] = {}
            for part in parts:
                asked[processes.submit(_read, *part)] = len(part[1])
            for done in as_completed(asked):
                done.result()
                told(asked[done])
            for future, (place, _) in zip(asked, parts, strict=True):
                found[place] += future.result()
    return found


@contextmanager
def _processes(images: Sequence[Images], workers: int) -> Iterator[ProcessPoolExecutor]:
    """Processes that know the images; they have ended when this is left, whatever they do."""
    others = set(active_children())
    processes = ProcessPoolExecutor(workers, initializer=_begin, initargs=(tuple(images),))
    try:
        yield processes
        processes.shutdown()
    except BrokenProcessPool:
        raise GantransError(
            "a process that reads images was killed, as a system short of memory does; try again "
            "with --workers 1"
        ) from None
    finally:
        for process in set(active_children()) - others:
            process.kill()
            process.join()
        processes.shutdown(cancel_futures=True)


_images: tuple[Images, ...] = ()


def _begin(images: tuple[Images, ...]) -> None:
    """What a process does first. The parent ends its processes, at Ctrl-C too."""
    global _images
    signal(SIGINT, SIG_IGN)
    warnings.simplefilter("ignore", Image.DecompressionBombWarning)
    _images = images


def _read(place: int, numbers: range) -> list[ImageFacts]:
    return _images[place].facts(numbers)


@contextmanager
def quiet_about_large_ones() -> Iterator[None]:
    """Pillow warns of images of 90 million pixels; those of twice as many it refuses to read."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        yield
