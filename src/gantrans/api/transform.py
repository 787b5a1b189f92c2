"""Transform: what happens to an image between its file and the network. Imports no torch."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from gantrans.api.domains import filled
from gantrans.api.table import Table

Pixels = Annotated[int, Field(ge=1)]
Factor = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Jitter(Table):
    """How much the colours of training images vary; every 0 leaves them as they are.

    A factor is drawn from [1 - x, 1 + x], the hue is turned by a draw from [-x, x].
    """

    brightness: float = Field(0.0, ge=0, le=1, description="largest change of the factor from 1")
    contrast: float = Field(0.0, ge=0, le=1, description="largest change of the factor from 1")
    saturation: float = Field(
        0.0, ge=0, le=1, description="largest change of the factor from 1; gray images have none"
    )
    hue: float = Field(
        0.0, ge=0, le=0.5, description="largest turn, in full circles; gray images have none"
    )

    def __bool__(self) -> bool:
        """Whether anything varies."""
        return any((self.brightness, self.contrast, self.saturation, self.hue))


class DomainTransform(Table):
    """The transform of one domain."""

    resize: Pixels | tuple[Pixels, Pixels] | None = Field(
        None,
        description="side in pixels, see `resize_mode`, or exactly [width, height]; bicubic and "
        "antialiased; absent: as it is",
    )
    resize_mode: Literal["shorter", "width", "exact"] = Field(
        "shorter",
        description="which side `resize` means: shorter and width keep the proportions, exact "
        "makes a square",
    )
    crop: int | None = Field(
        None, ge=1, description="side of the square cut out, in pixels; absent: the whole image"
    )
    zoom: tuple[Factor, Factor] | None = Field(
        None,
        description="training images are first scaled by a factor drawn between these two, after "
        "resize and before the crop, as in [0.5, 1.0]; test images are not; absent: no scaling",
    )
    flip: bool = Field(True, description="mirror half of the training images, left to right")
    rotate: bool = Field(
        False,
        description="turn training images by 0, 90, 180 or 270 degrees, all as often; oblong ones "
        "by 0 or 180",
    )
    jitter: Jitter = Field(default_factory=Jitter, description="how much colours vary in training")

    @model_validator(mode="after")
    def _says_one_size(self) -> DomainTransform:
        if isinstance(self.resize, tuple) and self.resize_mode == "width":
            raise ValueError('resize has a height too: give the width alone, or use "exact"')
        if self.resize is None and self.resize_mode != "shorter":
            raise ValueError("resize_mode without resize: give the size too, or leave it out")
        if self.zoom is not None and self.zoom[0] > self.zoom[1]:
            raise ValueError(f"zoom = {list(self.zoom)}: write the smaller factor first")
        if self.zoom is not None and self.crop is None:
            raise ValueError("zoom without crop: images would have many sizes; give the crop too")
        return self

    def resized(self, width: int, height: int) -> tuple[int, int]:
        """The width and height that an image of `width` x `height` pixels gets."""
        match self.resize:
            case None:
                return width, height
            case (new_width, new_height):
                return new_width, new_height
            case side if self.resize_mode == "exact":
                return side, side
            case side:
                reference = width if self.resize_mode == "width" else min(width, height)
                scale = side / reference
                least = 1 if self.resize_mode == "width" else side
                return max(least, round(width * scale)), max(least, round(height * scale))

    def fixed(self) -> DomainTransform:
        """The part that is the same each time an image is trained on: the resize.

        Nothing with a zoom, which is drawn, and is one resampling with the resize.
        """
        return DomainTransform(flip=False) if self.zoom else self.resize_only()

    def resize_only(self) -> DomainTransform:
        """The resize alone: what precedes the centre crop outside training."""
        alone = {"resize": self.resize, "resize_mode": self.resize_mode, "flip": False}
        return DomainTransform.model_validate(alone)

    def zoomed(self, width: int, height: int, factor: float) -> tuple[int, int]:
        """The width and height that an image of `width` x `height` pixels gets, zoom included."""
        width, height = self.resized(width, height)
        return max(1, round(width * factor)), max(1, round(height * factor))


class Transform(DomainTransform):
    """What happens to an image between the source and the network.

    Training: resize, random zoom, random crop, random flip and rotation, colour jitter. Test:
    resize, centre crop. The tables `a` and `b` say what is different for one domain.
    """

    a: DomainTransform | None = Field(
        None, description="the transform of the first domain, where it differs: `a = { crop = 64 }`"
    )
    b: DomainTransform | None = Field(
        None, description="the transform of the second domain, where it differs"
    )

    @model_validator(mode="before")
    @classmethod
    def _fill_domains(cls, table: Any) -> Any:
        """What a domain's table leaves out is as in the common one."""
        return filled(table, DomainTransform.model_fields)

    def of(self, domain: Literal["a", "b"]) -> DomainTransform:
        """The transform of one domain."""
        return getattr(self, domain) or self
