"""The two ends of translating one image: its file read, and the files of its result written.

Both may run in threads, many at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from torch import Tensor

from gantrans.api.files import ORDINARY, ImageFiles
from gantrans.api.image import to_image
from gantrans.errors import UsageError
from gantrans.inference.files.encoding import Timing, encoded, refuse_what_cannot_be
from gantrans.inference.files.formats import WITH_ALPHA, format_of, is_video
from gantrans.inference.files.keeping import NOTHING, Kept, Metadata
from gantrans.inference.files.picture import Picture, is_moving, opened, picture
from gantrans.inference.files.plan import FileJob
from gantrans.inference.files.side_by_side import side_by_side
from gantrans.inference.files.together import Result
from gantrans.inference.files.whole import appearing_together


@dataclass(frozen=True)
class Drawn:
    """What becomes of an image: each is an image, or values of files that are no ordinary ones."""

    output: Image.Image | Tensor
    cycle: Image.Image | Tensor | None = None


class Stills:
    """How images are read and written in one direction.

    Args:
        source: the files of the domain that is translated from.
        target: those of the other.
        channels: of the images that the network is given.
        quality: 1 to 100, of JPEG and WebP; absent: JPEG 95, WebP without loss.
        metadata: what outputs keep of inputs.
    """

    def __init__(
        self,
        source: ImageFiles,
        target: ImageFiles,
        channels: int,
        *,
        quality: int | None = None,
        metadata: Metadata = "profile",
    ) -> None:
        self.source, self.target, self.channels = source, target, channels
        self.quality, self.metadata = quality, metadata

    @property
    def ordinary(self) -> bool:
        """Whether both ends are ordinary images."""
        return self.source == ORDINARY == self.target

    def refuse_comparing(self) -> None:
        """Raise UsageError if the images cannot be drawn side by side."""
        if not self.ordinary:
            raise UsageError("only ordinary images can be compared: leave out --compare")

    def read(self, job: FileJob) -> Picture | Tensor | None:
        """The image of a file; None if it has several. Raises DataError, naming the file."""
        if self.source != ORDINARY:
            return _read_by_rule(self.source, job.source)
        if is_video(job.source):
            return None
        with opened(job.source) as image:
            if is_moving(image):
                return None
            given = picture(
                image, self.channels, alpha=self.alpha(job.target), metadata=self.metadata
            )
            self.refuse_outputs(job, [given.image.size])
            return given

    def refuse_outputs(self, job: FileJob, sizes: Sequence[tuple[int, int]]) -> None:
        """Raise DataError if an output cannot hold what becomes of images of these sizes."""
        if self.target == ORDINARY:
            refuse_what_cannot_be(format_of(job.target), sizes)
        if job.cycle and self.source == ORDINARY:
            refuse_what_cannot_be(format_of(job.cycle), sizes)
        if job.compare:
            beside = 3 if job.cycle else 2
            rows = [(beside * width, height) for width, height in sizes]
            refuse_what_cannot_be(format_of(job.compare), rows, "its comparison")

    def alpha(self, target: Path) -> bool:
        """Whether the file to write can say how transparent its pixels are."""
        return self.target == ORDINARY and format_of(target) in WITH_ALPHA

    def draw(self, result: Result, given: Picture | Tensor) -> Drawn:
        """The result as it is to be written, off the device."""
        assert result.output is not None
        opacity = given.alpha if isinstance(given, Picture) else None
        cycle = result.cycle
        return Drawn(
            _drawn(result.output, self.target, opacity),
            None if cycle is None else _drawn(cycle, self.source, opacity),
        )

    def write(self, job: FileJob, given: Picture | Tensor, drawn: Drawn) -> tuple[str, ...]:
        """Write the files of a job: all of them appear whole, or none.

        Returns sentences on what could not be kept of the input, each once.

        Raises:
            OSError: if a file cannot be written.
            GantransError: if a format cannot hold the image, or a file is there by now that must
                not be replaced.
        """
        return self.write_several(job, [given], [drawn])

    def write_several(
        self,
        job: FileJob,
        given: Sequence[Picture | Tensor],
        drawn: Sequence[Drawn],
        timing: Timing | None = None,
    ) -> tuple[str, ...]:
        """The same of the frames of one file."""
        kept = given[0].kept if isinstance(given[0], Picture) else NOTHING
        rows = (
            [shown_beside(g, d) for g, d in zip(given, drawn, strict=True)] if job.compare else []
        )
        wanted = [
            (path, files, images)
            for path, files, images in (
                (job.target, self.target, [d.output for d in drawn]),
                (job.cycle, self.source, [d.cycle for d in drawn]),
                (job.compare, ORDINARY, rows),
            )
            if path is not None
        ]
        notes: list[str] = []
        contents = [
            self._encoded(path, images, kept, timing, notes.append) for path, _, images in wanted
        ]
        with appearing_together(job.outputs, replaceable=job.replaceable) as besides:
            for (_, files, images), content, beside in zip(wanted, contents, besides, strict=True):
                if content is not None:
                    beside.write_bytes(content)
                elif isinstance(images[0], Tensor):
                    files.write(images[0], beside)
        return tuple(dict.fromkeys(notes))

    def _encoded(
        self,
        path: Path,
        images: Sequence[Image.Image | Tensor | None],
        kept: Kept,
        timing: Timing | None,
        note: Callable[[str], None],
    ) -> bytes | None:
        """The content of a file of ordinary images; None if a rule of its own writes it."""
        pictures = [image for image in images if isinstance(image, Image.Image)]
        if not pictures:
            return None
        return encoded(
            pictures,
            format_of(path),
            quality=self.quality,
            kept=kept,
            timing=timing,
            note=note,
        )


def shown_beside(given: Picture | Tensor, drawn: Drawn) -> Image.Image:
    """Input, output, and the translation back if there is one, in one image."""
    assert isinstance(given, Picture)
    images = [with_alpha(given.image, given.alpha), drawn.output, drawn.cycle]
    return side_by_side([image for image in images if isinstance(image, Image.Image)])


def _read_by_rule(files: ImageFiles, path: Path) -> Picture | Tensor:
    image = files.read(path)
    return image if isinstance(image, Tensor) else Picture(image)


def _drawn(result: Tensor, files: ImageFiles, opacity: Image.Image | None) -> Image.Image | Tensor:
    return with_alpha(to_image(result), opacity) if files == ORDINARY else result.cpu()


def with_alpha(image: Image.Image, opacity: Image.Image | None) -> Image.Image:
    """A copy of the image that is so opaque; without `opacity` the image itself."""
    if opacity is None:
        return image
    whole = image.copy()
    whole.putalpha(opacity)
    return whole
