"""Dataset: where the images of both domains come from. Imports no torch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from PIL import Image
from pydantic import BaseModel, ConfigDict, Field

from gantrans.api.component import Component, ComponentConfig
from gantrans.api.slot import Slot

Split = Literal["train", "test"]


class Transform(BaseModel):
    """What happens to an image between the source and the network.

    Training: resize, random crop, random flip. Test: resize, centre crop.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    resize: int | None = Field(
        None, ge=1, description="shorter side in pixels, bicubic and antialiased; absent: as it is"
    )
    crop: int | None = Field(
        None, ge=1, description="side of the square cut out, in pixels; absent: the whole image"
    )
    flip: bool = Field(True, description="mirror half of the training images, left to right")


class DatasetConfig(ComponentConfig):
    """Settings that every dataset has."""

    transform: Transform = Field(default_factory=Transform, description="resize, crop and flip")
    workers: int = Field(
        2, ge=0, description="processes that load training images; 0: the training process itself"
    )


class ImageSource(ABC):
    """The images of one split of one domain. Picklable: data workers may be spawned."""

    @abstractmethod
    def __len__(self) -> int:
        """How many images there are."""

    @abstractmethod
    def image(self, index: int) -> Image.Image:
        """Image `index`, of any size and mode. Raises DataError, naming it, if it is unreadable."""

    @abstractmethod
    def label(self, index: int) -> str:
        """What to call image `index` in messages and files: a path, or a name."""


class Dataset(Component):
    """Gives image sources. Sampling, transforms and randomness belong to the framework.

    Making a dataset reads nothing; `source` does.

    Args:
        config: its settings.
        base_dir: the folder that relative paths of the spec are relative to.
    """

    kind = "dataset"
    Config: ClassVar[type[ComponentConfig]] = DatasetConfig

    def __init__(self, config: Any, *, base_dir: Path) -> None:
        super().__init__(config)
        self.base_dir = base_dir

    def source(self, split: Split, domain: Literal["a", "b"]) -> ImageSource:
        """The images of one split of one domain; empty if there is no such split.

        Raises DataError if what the config names is not there.
        """
        raise NotImplementedError

    def paired(self, split: Split) -> bool:
        """Whether image i of "a" and image i of "b" show the same thing (there is a truth)."""
        return False

    def channels(self, domain: Literal["a", "b"]) -> int:
        """Channels of the domain's images: 3 (colour) or 1 (gray)."""
        return 3


DatasetSlot = Annotated[DatasetConfig, Slot("dataset")]
