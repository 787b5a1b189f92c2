"""Images in and out: the one preprocessing that training, translation and metrics share.

The rule for what is not plain RGB or gray: EXIF orientation is applied; transparent pixels are laid
over white; palettes become colours; 16-bit gray is scaled to 8 bits, and is opaque; then the image
is converted to as many channels as its domain has, 3 (RGB) or 1 (luma). Floating-point and CIELAB
images are refused.

Importing this module imports no torch: looking at image files needs none.
"""

from __future__ import annotations

from pathlib import Path
from typing import IO, TYPE_CHECKING

from PIL import Image, ImageOps
from PIL.ImageFile import ImageFile

from gantrans.errors import DataError

if TYPE_CHECKING:
    from torch import Tensor

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff"})
IMAGE_FORMATS = ("BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP")
"""Pillow's names of the formats that are read, whatever a file is called. It knows more; of these,
EPS is a program that Ghostscript runs."""

UNREAD_MODES = {
    "F": "floating point, of unknown range",
    "LAB": "CIELAB",
    "La": "premultiplied with their alpha",
    "RGBa": "premultiplied with their alpha",
}
"""Pillow's modes that no rule here turns into colours."""

_BAND = 2**20
"""Pixels that are turned into an image at once."""


def open_lazily(file: Path | IO[bytes]) -> ImageFile:
    """Open an image file of one of IMAGE_FORMATS; its pixels are not read yet.

    Everything that opens image files does it here. Raises what Pillow does, for a damaged file
    anything.
    """
    return Image.open(file, formats=IMAGE_FORMATS)


def open_image(path: Path) -> Image.Image:
    """Read a whole image file, upright.

    Raises:
        DataError: naming the file, if it is missing, truncated or no image.
    """
    try:
        with open_lazily(path) as image:
            image.load()
            upright = ImageOps.exif_transpose(image)
    except MemoryError:
        raise
    except Exception as error:  # of damaged files Pillow raises whatever comes up
        raise DataError(
            f"cannot read the image {path}: {error or type(error).__name__}; "
            "repair the file, or take it out of the folder"
        ) from error
    try:
        _refuse_unread(upright)
    except DataError as error:
        raise DataError(f"cannot use the image {path}: {error}, or take it out") from None
    return upright


def convert(image: Image.Image, channels: int) -> Image.Image:
    """To mode RGB (`channels` 3) or L (1), by the rule above. Raises DataError for other pixels."""
    _refuse_unread(image)
    if channels not in (1, 3):
        raise DataError(f"an image has 1 or 3 channels, not {channels}")
    if image.mode in {"I;16", "I;16B", "I;16L", "I"}:
        image = image.convert("I").point(lambda value: value / 256).convert("L")
        image.info.pop("transparency", None)  # a value of 16 bits, not of these
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("RGB" if channels == 3 else "L")


def to_tensor(image: Image.Image | Tensor, channels: int) -> Tensor:
    """An image as float32 (channels, H, W) in [-1, 1]; a tensor has to be that already.

    Raises DataError for a tensor of another shape or of integers, and for pixels as `convert` does.
    """
    if not isinstance(image, Image.Image):
        if image.dim() != 3 or len(image) != channels or not image.is_floating_point():
            raise DataError(
                f"found a tensor {tuple(image.shape)} of {image.dtype}, expected float32 "
                f"({channels}, H, W) in [-1, 1]"
            )
        return image.float().clone()  # a source may use one buffer for all its images
    return normalised(to_pixels(image, channels))


def to_pixels(image: Image.Image, channels: int) -> Tensor:
    """An image as uint8 (channels, H, W). Raises DataError for pixels as `convert` does."""
    from torchvision.transforms.v2.functional import pil_to_tensor

    pixels: Tensor = pil_to_tensor(convert(image, channels))
    return pixels


def normalised(pixels: Tensor) -> Tensor:
    """uint8 of any shape as float32 in [-1, 1]."""
    return pixels.float().div_(127.5).sub_(1)


def to_image(tensor: Tensor) -> Image.Image:
    """(1 or 3, H, W) in [-1, 1] as a PIL image of mode L or RGB; values outside are clipped.

    Worked out in bands of rows: beside the result there is never much more.
    """
    import torch

    channels, height, width = tensor.shape
    if channels not in (1, 3):
        raise ValueError(f"an image has 1 or 3 channels, not {channels}")
    pixels = torch.empty(height, width, channels, dtype=torch.uint8)
    for top in range(0, height, rows := max(1, _BAND // max(1, width))):
        band = tensor[:, top : top + rows].detach().float().clamp(-1, 1)
        levels = band.add_(1).mul_(127.5).round_().to(torch.uint8)
        pixels[top : top + rows] = levels.permute(1, 2, 0)
    array = pixels.numpy()
    return Image.fromarray(array if channels == 3 else array[..., 0])


def _refuse_unread(image: Image.Image) -> None:
    if image.mode in UNREAD_MODES:
        raise DataError(f"its pixels are {UNREAD_MODES[image.mode]}: save it as 8-bit RGB or gray")
