"""One image file's content in, its translation's out. Nothing touches a disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PIL import Image
from torch import Tensor

from gantrans.api.image import to_image
from gantrans.inference.device import is_out_of_memory
from gantrans.inference.files.encoding import encoded
from gantrans.inference.files.formats import FORMATS
from gantrans.inference.files.keeping import NOTHING, Kept
from gantrans.inference.files.stills import with_alpha
from gantrans.inference.memory import give_back
from gantrans.inference.translator import Translator
from gantrans.serving.codec import Codec, read_image
from gantrans.serving.layers import watched
from gantrans.serving.limits import Limits
from gantrans.serving.line import Look
from gantrans.serving.problem import Problem

_UNSHOWN = ("TIFF",)
"""Formats that browsers do not show."""


@dataclass(frozen=True)
class ImageFile:
    """An image as a file.

    Args:
        name: such as "photo.winter.jpg".
        format: in Pillow's words, such as "JPEG".
        size: width and height.
        content: the bytes of the file.
    """

    name: str
    format: str
    size: tuple[int, int]
    content: bytes

    @property
    def media_type(self) -> str:
        """Such as "image/jpeg"."""
        return f"image/{self.format.lower()}"


@dataclass(frozen=True)
class Translation:
    """What became of an image.

    Args:
        to: the domain that it was translated to.
        output: the translation, as large as the image, in its format.
        cycle: that translated back again, if it was wanted.
        previews: where browsers do not show the format: the same two, and the image itself, as PNG,
            under the names "input", "output" and "cycle".
    """

    to: str
    output: ImageFile
    cycle: ImageFile | None
    previews: dict[str, bytes]


def translate(
    translator: Translator,
    content: bytes,
    name: str,
    to: str | None,
    *,
    round_trip: bool,
    limits: Limits,
    look: Look,
    codec: Codec,
) -> Translation:
    """Translate the content of an image file as `gantrans translate` would.

    Args:
        translator: with the generators.
        content: the bytes of the file.
        name: of the file; nothing is read or written there.
        to: the domain to translate to; may be left out if there is only one.
        round_trip: whether to translate back again too.
        limits: how many pixels it may have.
        look: told how far it is; what it raises ends the translation.
        codec: decodes the file, and encodes the translation.

    Raises:
        UsageError: if there is no such domain.
        Problem: if there is no way back, or the image has too many pixels, is of no format that is
            known, or moves, or no memory is left for it.
        DataError: if the file is damaged, or its format cannot hold the result.
        NonFiniteError: if the generator gives no numbers.
    """
    to = translator.choose(to)
    targets = [to, *(t for t in translator.targets if t != to)] if round_trip else [to]
    if round_trip and len(targets) == 1:
        raise Problem(400, f"there is no way back from {to} in this model: leave out round_trip")
    path = Path(name)
    try:
        channels = translator.generators[to].in_channels
        given, format = codec(
            partial(read_image, content, path, channels, limits.pixels), partial(look, 0)
        )
        results = _computed(translator, targets, given.image, look)
        images = [with_alpha(i, given.alpha) for i in (given.image, *map(to_image, results))]

        def encode(image: Image.Image, format: str, kept: Kept = NOTHING) -> bytes:
            return codec(partial(encoded, [image], format, kept=kept), partial(look, 1))

        output, *cycle = (
            ImageFile(
                _named(path, word, format), format, image.size, encode(image, format, given.kept)
            )
            for image, word in zip(images[1:], (to, "cycle"), strict=False)
        )
        previews = {}
        if format in _UNSHOWN:
            words = ("input", "output", "cycle")
            previews = {w: encode(i, "PNG") for w, i in zip(words, images, strict=False)}
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise Problem(503, "no memory is left for the image: give a smaller one") from None
    finally:
        give_back()  # else the next image would find less below a limit
    return Translation(to, output, cycle[0] if cycle else None, previews)


def _computed(
    translator: Translator, targets: Sequence[str], image: Image.Image, look: Look
) -> list[Tensor]:
    """The image translated to the first of the domains, that to the second, and so on."""
    results: list[Tensor] = []
    for number, target in enumerate(targets):

        def part(share: float, number: int = number) -> None:
            look((number + share) / len(targets))

        with watched(translator.generators[target], part):
            given = results[-1] if results else image
            results.append(translator.translate_image(given, target, part))
    look(1)
    return results


def _named(path: Path, word: str, format: str) -> str:
    """The name of `path` with the word before its suffix, which is one of the format."""
    own = path.suffix.lower()
    suffix = path.suffix if FORMATS.get(own) == format else _SUFFIXES[format]
    word = "".join(c if c.isalnum() or c in "-_" else "-" for c in word)
    return f"{path.stem}.{word}{suffix}"


_SUFFIXES = {format: suffix for suffix, format in FORMATS.items() if suffix != ".apng"} | {
    "JPEG": ".jpg"
}
