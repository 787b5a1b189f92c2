"""ImageFiles: how the image files of a domain are read and written. Imports no torch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from PIL import Image

from gantrans.api.image import IMAGE_SUFFIXES, open_image, to_image

if TYPE_CHECKING:
    from torch import Tensor


class ImageFiles(ABC):
    """How the files of one domain are read and written. Picklable: data workers may be spawned.

    A dataset whose files are no ordinary images gives its own (`Dataset.files`). Training reads
    with it; `gantrans translate` reads with that of the source domain, and writes with that of the
    target domain, several files at once in threads.
    """

    suffixes: ClassVar[tuple[str, ...]]
    """How the names end, in lower case, with the dot; the first where a name has to be chosen."""

    @abstractmethod
    def read(self, path: Path) -> Image.Image | Tensor:
        """The image of a file, as `ImageSource.image` gives it.

        Raises DataError, naming the file, if it is unreadable or not what the domain has.
        """

    @abstractmethod
    def write(self, image: Tensor, path: Path) -> None:
        """Write float32 (channels, H, W) in [-1, 1] to `path`, in the format of its suffix.

        Values outside are clipped. Raises OSError if the file cannot be written.
        """

    def named(self, path: Path) -> bool:
        """Whether the name of `path` ends as the names of these files do."""
        return path.suffix.lower() in self.suffixes


@dataclass(frozen=True)
class OrdinaryImages(ImageFiles):
    """Image files with 8 bits a channel, gray or colour, through Pillow."""

    suffixes = (".png", *sorted(IMAGE_SUFFIXES - {".png"}))

    def read(self, path: Path) -> Image.Image:
        """The image, upright."""
        return open_image(path)

    def write(self, image: Tensor, path: Path) -> None:
        """Write (1 or 3, H, W) in [-1, 1]."""
        suffix = path.suffix.lower()
        to_image(image).save(path, **saving(_FORMATS.get(suffix, suffix[1:].upper())))


ORDINARY = OrdinaryImages()

_FORMATS = {".jpg": "JPEG", ".tif": "TIFF"}


def saving(format: str, quality: int | None = None) -> dict[str, Any]:
    """With which options Pillow saves a translation.

    Args:
        format: in Pillow's words, such as "PNG".
        quality: 1 to 100, of JPEG and WebP; absent: JPEG 95, WebP without loss.
    """
    options: dict[str, Any] = {"format": format}
    match format:
        case "JPEG":  # a translation is mostly about colour, whose resolution it halves by default
            options |= {"quality": quality or 95, "subsampling": "4:4:4"}
        case "WEBP":  # with loss, it always halves the resolution of colour
            options |= {"quality": quality} if quality else {"lossless": True, "exact": True}
        case "TIFF":
            options["compression"] = "tiff_lzw"
    return options
