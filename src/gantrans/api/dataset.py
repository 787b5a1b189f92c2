"""Dataset: where the images of both domains come from. Imports no torch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from PIL import Image
from pydantic import Field

from gantrans.api.component import Component, ComponentConfig
from gantrans.api.files import ImageFiles
from gantrans.api.slot import Slot
from gantrans.api.transform import Transform

if TYPE_CHECKING:
    from torch import Tensor

Split = Literal["train", "test"]


class DatasetConfig(ComponentConfig):
    """Settings that every dataset has."""

    transform: Transform = Field(
        default_factory=Transform, description="resize, crop, flip, rotation and colours"
    )
    repeat: int = Field(
        1,
        ge=1,
        description="how often training visits each image in an epoch; more than 1 for few images",
    )
    workers: int = Field(
        2,
        ge=0,
        description="processes that decode and resize images, for the cache or, without "
        "one, beside training; 0: the training process itself",
    )
    cache_gib: float = Field(
        10.0,
        ge=0,
        allow_inf_nan=False,
        description="GiB that decoded and resized images may take on the disk, those of "
        "other runs included; 0: none are kept",
    )


class ImageSource(ABC):
    """The images of one split of one domain. Picklable: data workers may be spawned."""

    @abstractmethod
    def __len__(self) -> int:
        """How many images there are."""

    @abstractmethod
    def image(self, index: int) -> Image.Image | Tensor:
        """Image `index`: a PIL image of any size and mode, or a tensor.

        A tensor is float32 (channels, H, W) in [-1, 1], with as many channels as the dataset says
        its domain has; a PIL image is converted to 1 or 3 channels (gantrans.api.image). Raises
        DataError, naming it, if it is unreadable.
        """

    @abstractmethod
    def label(self, index: int) -> str:
        """What to call image `index` in messages and files: a path, or a name."""

    def origin(self, index: int) -> Path | str | None:
        """Where image `index` comes from, so that training may keep it decoded and resized.

        The path of the one file that it is made of, or a text that says exactly what it shows:
        equal texts, equal pixels. None, which is what this gives: it is read anew each time.
        """
        return None


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
        raise NotImplementedError  # each data set has its own

    def paired(self, split: Split) -> bool:
        """Whether image i of "a" and image i of "b" show the same thing (there is a truth)."""
        return False

    def channels(self, domain: Literal["a", "b"]) -> int:
        """Channels of the domain's images: 3 (colour), 1 (gray), or any number of tensors."""
        return 3

    def files(self, domain: Literal["a", "b"]) -> ImageFiles | None:
        """How the domain's files are read and written; None: they are ordinary images.

        It reads nothing: `gantrans translate` asks a dataset made from the settings in a weights
        file, where the data may be far away.
        """
        return None


DatasetSlot = Annotated[DatasetConfig, Slot("dataset")]
