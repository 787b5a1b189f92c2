"""The data set `single_image`: one picture a domain, seen in many crops."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Self

from PIL import Image
from pydantic import Field, model_validator

from gantrans.api.dataset import Dataset, DatasetConfig, ImageSource, Split
from gantrans.api.image import open_image
from gantrans.api.path import SpecPath
from gantrans.api.step import Domain
from gantrans.builtins.datasets.channels import CHANNELS, Channels, ChannelsSetting
from gantrans.errors import DataError


@dataclass(frozen=True, slots=True)
class OnePicture(ImageSource):
    """One image file. It has no `origin`: the picture is kept in memory, which is faster still.

    Args:
        path: where it is.
        shown: what to call it.
    """

    path: Path
    shown: str

    def __len__(self) -> int:
        return 1

    def image(self, index: int) -> Image.Image:
        """The picture, as its file has it. Raises DataError if it is unreadable."""
        # A file that is another one by now, as in a notebook, is read anew.
        changed = self.path.stat().st_mtime_ns if self.path.is_file() else 0
        return _decoded(self.path, changed)

    def label(self, index: int) -> str:
        """The file's path, as the spec writes it: relative to the spec's folder, or absolute."""
        return self.shown


@lru_cache(maxsize=2)  # one a domain: decoding a photograph takes longer than all that follows
def _decoded(path: Path, changed: int) -> Image.Image:
    return open_image(path)


class SingleImage(Dataset):
    """One picture for each domain, such as a photograph and a painting.

    Training visits each `repeat` times an epoch and cuts it elsewhere each time (`transform.crop`),
    at another scale too (`transform.zoom`): with the method `cut` that is what Park et al. 2020 do
    with single images, SinCUT. The test images are the pictures themselves, cut at their centres.
    """

    name = "single_image"

    class Config(DatasetConfig):
        """Settings of `single_image`."""

        a: SpecPath | None = Field(
            None, description="the first domain's image file, relative to the spec's folder"
        )
        b: SpecPath | None = Field(None, description="the same for the second domain")
        channels: ChannelsSetting = Field(Channels(), description=CHANNELS)
        repeat: int = Field(
            400, ge=1, description="how often training visits each picture in an epoch"
        )

        @model_validator(mode="after")
        def _says_where(self) -> Self:
            if self.a is None and self.b is None:
                raise ValueError("it names no picture: give the files `a` and `b`")
            return self

    config: Config

    def source(self, split: Split, domain: Domain) -> OnePicture:
        """The picture of `domain`, in both splits.

        Raises:
            DataError: if it is not named, missing or unreadable.
        """
        path = self.config.a if domain == "a" else self.config.b
        if path is None:
            which = "first" if domain == "a" else "second"
            raise DataError(f"data.{domain} is not given: name the picture of the {which} domain")
        path = self.base_dir / path  # settings made without a spec, in Python, know no folder
        shown = path.relative_to(self.base_dir) if path.is_relative_to(self.base_dir) else path
        if not path.is_file():
            raise DataError(f"data.{domain}: there is no file {path}")
        found = OnePicture(path, shown.as_posix())
        found.image(0)  # what is wrong with it is said before the first step
        return found

    def channels(self, domain: Domain) -> int:
        """As the config says."""
        return self.config.channels.of(domain)
