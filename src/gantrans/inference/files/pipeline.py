"""Images are read ahead and written behind, while the network computes.

Threads do both, for Pillow lets others work while it decodes and encodes; the network runs in the
thread that asks. How many images wait before it and behind it is bounded, by their number and by
their pixels.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from errno import ENAMETOOLONG

from torch import Tensor

from gantrans.errors import DataError, GantransError
from gantrans.inference.files.animation import translate_animation
from gantrans.inference.files.formats import is_video
from gantrans.inference.files.handling import Handling, Outcome
from gantrans.inference.files.memory import of_one_image
from gantrans.inference.files.picture import Picture, at_most
from gantrans.inference.files.plan import FileJob
from gantrans.inference.files.shown import shown
from gantrans.inference.files.stills import Drawn, Stills
from gantrans.inference.files.together import Together
from gantrans.inference.files.video import translate_video

WAITING = 2**24
"""Pixels that may wait to be translated, and again to be written, beside one image of any size."""


class Pipeline:
    """Translates the files of some jobs.

    Args:
        stills: reads and writes.
        together: translates.
        jobs: what to read and to write.
        handling: how many at once.
        watch: told how many images more are translated, whenever some are.
    """

    def __init__(
        self,
        stills: Stills,
        together: Together,
        jobs: Sequence[FileJob],
        handling: Handling,
        watch: Callable[[int], None],
    ) -> None:
        self.stills, self.together, self.handling, self.watch = stills, together, handling, watch
        self.jobs = jobs
        self.pool = ThreadPoolExecutor(handling.workers, thread_name_prefix="files")
        self.begun = 0
        self.expected = WAITING // handling.workers
        """Pixels of an image that is not read yet: as many as the last one had."""
        self.reading: deque[tuple[int, Future[Picture | Tensor | None]]] = deque()
        self.writing: dict[int, Future[tuple[int, tuple[str, ...]]]] = {}
        """By the number of the job, the files that are being written; they give the number of
        their images, and notes."""
        self.drawn: dict[int, int] = {}
        """How many pixels each of them has."""

    def outcomes(self) -> Iterator[Outcome]:
        """One for each job, in order. Raises GantransError if an output cannot be written."""
        try:
            with at_most(self.handling.megapixels):
                for number in range(len(self.jobs)):
                    while number not in self.writing or (
                        not self.writing[number].done() and self._may_go_on()
                    ):
                        self._translate_next()
                    yield self._outcome(number)
        finally:
            self.pool.shutdown(wait=True, cancel_futures=True)

    def _outcome(self, number: int) -> Outcome:
        job = self.jobs[number]
        self.drawn.pop(number, None)
        try:
            images, notes = self.writing.pop(number).result()
            return Outcome(job, images=images, notes=notes)
        except OSError as error:
            reason = error.strerror or error
            if error.errno == ENAMETOOLONG:  # of this file system; plan knows what all refuse
                return Outcome(
                    job,
                    DataError(
                        f"cannot write {shown(job.target)}: {reason}; give it a shorter name"
                    ),
                    0,
                )
            raise GantransError(
                f"cannot write {shown(job.target)}: {reason}; stopped at image {number + 1} of "
                f"{len(self.jobs)}, what has its name by now is whole: make room and go on with "
                "--resume, or give another --out"
            ) from error
        except (GantransError, RuntimeError, MemoryError) as error:
            own = of_one_image(error)
            if shown(job.source) in str(own):
                return Outcome(job, own, 0)
            return Outcome(job, type(own)(f"{shown(job.source)}: {own}"), 0)

    def _read_ahead(self) -> None:
        """Begin to read as many as may wait."""
        most = self.handling.workers + 2 * self.handling.batch_size
        while self.begun < len(self.jobs) and len(self.reading) < most:
            if sum(_pixels(read, self.expected) for _, read in self.reading) > WAITING:
                break
            read = self.pool.submit(self.stills.read, self.jobs[self.begun])
            self.reading.append((self.begun, read))
            self.begun += 1

    def _may_go_on(self) -> bool:
        """Whether there is more to translate, and not too much that waits to be written."""
        most = self.handling.workers + 2 * self.handling.batch_size
        left = self.reading or self.begun < len(self.jobs)
        return bool(left) and len(self.writing) < most and sum(self.drawn.values()) <= WAITING

    def _translate_next(self) -> None:
        """Translate the next image, with those behind it that can go together with it."""
        self._read_ahead()
        number, read = self.reading.popleft()
        try:
            given = read.result()
        except (GantransError, RuntimeError, MemoryError) as error:
            self._fail(number, of_one_image(error))
            return
        if given is None:
            self._translate_moving(number)
            return
        self.expected = _pixels_of(given)
        self._read_ahead()
        numbers, images = [number], [given]
        for other, fitting in self._fitting(given):
            numbers.append(other)
            images.append(fitting)
        results = self.together([g.image if isinstance(g, Picture) else g for g in images])
        self.watch(sum(result.error is None for result in results))
        for number, given, result in zip(numbers, images, results, strict=True):
            if result.error:
                self._fail(number, result.error)
                continue
            try:
                drawn = self.stills.draw(result, given)
            except (RuntimeError, MemoryError) as error:
                self._fail(number, of_one_image(error))
                continue
            self.drawn[number] = _pixels_of(given)
            self.writing[number] = self.pool.submit(self._write, self.jobs[number], given, drawn)
        self._read_ahead()

    def _write(
        self, job: FileJob, given: Picture | Tensor, drawn: Drawn
    ) -> tuple[int, tuple[str, ...]]:
        return 1, self.stills.write(job, given, drawn)

    def _fitting(self, first: Picture | Tensor) -> Iterator[tuple[int, Picture | Tensor]]:
        """Further images that go together with the first, taken out of those that are read."""
        size, left = self._size(first), self.handling.batch_size - 1
        if size is None:
            return
        for number, read in list(self.reading):
            if not left:
                return
            if read.exception() is not None:  # told when its turn has come
                continue
            given = read.result()
            if given is not None and self._size(given) == size:
                self.reading.remove((number, read))
                left -= 1
                yield number, given

    def _size(self, given: Picture | Tensor) -> tuple[int, int] | None:
        return self.together.size(given.image if isinstance(given, Picture) else given)

    def _translate_moving(self, number: int) -> None:
        job, batch_size = self.jobs[number], self.handling.batch_size
        ended: Future[tuple[int, tuple[str, ...]]] = Future()
        notes: tuple[str, ...] = ()
        try:
            if is_video(job.source):
                images = translate_video(
                    job,
                    self.stills,
                    self.together,
                    batch_size=batch_size,
                    megapixels=self.handling.megapixels,
                    watch=self.watch,
                )
            else:
                images, notes = translate_animation(
                    job,
                    self.stills,
                    self.together,
                    batch_size=batch_size,
                    megapixels=self.handling.megapixels,
                    watch=self.watch,
                )
        except OSError as error:
            self._fail(number, error)
            return
        except (GantransError, RuntimeError, MemoryError) as error:
            self._fail(number, of_one_image(error))
            return
        ended.set_result((images, notes))
        self.writing[number] = ended

    def _fail(self, number: int, error: Exception) -> None:
        self.writing[number] = Future()
        self.writing[number].set_exception(error)


def _pixels(read: Future[Picture | Tensor | None], expected: int) -> int:
    """Of an image that is being read."""
    if not read.done():
        return expected
    given = None if read.exception() else read.result()
    return 0 if given is None else _pixels_of(given)


def _pixels_of(given: Picture | Tensor) -> int:
    if isinstance(given, Picture):
        return given.image.width * given.image.height
    return given.shape[-1] * given.shape[-2]
