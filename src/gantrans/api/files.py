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
    target domain.
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
        to_image(image).save(path, **_SAVE[path.suffix.lower()])


ORDINARY = OrdinaryImages()

# A translation is mostly about colour. JPEG halves its resolution by default, lossy WebP always.
_JPEG: dict[str, Any] = {"format": "JPEG", "quality": 95, "subsampling": "4:4:4"}
_TIFF: dict[str, Any] = {"format": "TIFF", "compression": "tiff_lzw"}
_SAVE: dict[str, dict[str, Any]] = {
    ".png": {"format": "PNG"},
    ".jpg": _JPEG,
    ".jpeg": _JPEG,
    ".webp": {"format": "WEBP", "lossless": True},
    ".bmp": {"format": "BMP"},
    ".tif": _TIFF,
    ".tiff": _TIFF,
}
