"""The data set `seasons`: drawn landscapes, so that a first run needs no download."""

from __future__ import annotations

import random
from dataclasses import dataclass

from PIL import Image
from pydantic import Field

from gantrans.api.dataset import Dataset, DatasetConfig, ImageSource, Split
from gantrans.api.step import Domain
from gantrans.builtins.datasets.landscape import paint
from gantrans.builtins.datasets.palette import Season
from gantrans.builtins.datasets.scene import Scene

SEASONS: dict[Domain, Season] = {"a": "summer", "b": "winter"}


@dataclass(frozen=True, slots=True)
class DrawnScenes(ImageSource):
    """Scenes in one season, each drawn when it is asked for.

    Args:
        season: which season all of them are painted in.
        stream: names the scenes; equal streams hold the same scenes, others share none.
        prefix: the first part of the labels.
        count: how many scenes there are.
        size: side of the square images, in pixels.
    """

    season: Season
    stream: str
    prefix: str
    count: int
    size: int

    def __len__(self) -> int:
        return self.count

    def scene(self, index: int) -> Scene:
        """What image `index` shows, whatever the season. Raises IndexError outside 0..len-1."""
        if not 0 <= index < self.count:
            raise IndexError(f"{self.prefix} has scenes 0 to {self.count - 1}, not {index}")
        return Scene.draw_from(random.Random(f"{self.stream}/{index}"))

    def image(self, index: int) -> Image.Image:
        """Image `index`: RGB, `size` x `size` pixels. Raises IndexError outside 0..len-1."""
        return paint(self.scene(index), self.season, self.size)

    def label(self, index: int) -> str:
        """A name such as "test-0003"."""
        return f"{self.prefix}-{index:04d}"

    def origin(self, index: int) -> str:
        """What is drawn: the scene, the season and the size."""
        return f"{self.stream}/{index}/{self.season}/{self.size}"


class Seasons(Dataset):
    """Drawn landscapes in summer (a) and winter (b), made on the fly from a seed.

    Every image is RGB, `size` x `size` pixels. In the training split the domains share no scene:
    the data is unpaired, unless `pairs` asks for the same scenes in both. In the test split image i
    of both shows the same scene, so translations can be compared with the truth. The same settings
    give the same pixels everywhere; the scenes of `pairs` are others than those of unpaired
    training, and neither are test scenes.
    """

    name = "seasons"

    class Config(DatasetConfig):
        """Settings of `seasons`."""

        size: int = Field(64, ge=16, description="side of the drawn square image, in pixels")
        train: int = Field(400, ge=1, description="training scenes of each domain")
        test: int = Field(32, ge=0, description="test scenes, each drawn in both seasons")
        pairs: bool = Field(
            False, description="training scenes are drawn in both seasons: paired training"
        )
        scene_seed: int = Field(0, description="which scenes are drawn; any integer")

    config: Config

    def source(self, split: Split, domain: Domain) -> DrawnScenes:
        """The scenes of `split` in the season of `domain`; none is drawn before it is asked for.

        Label "train-0003" names a scene within its domain; with `pairs` it is one scene in both.
        """
        stream = f"{self.config.scene_seed}/{split}"
        if not self.paired(split):
            stream = f"{stream}/{domain}"
        return DrawnScenes(
            season=SEASONS[domain],
            stream=stream,
            prefix=split,
            count=self.config.train if split == "train" else self.config.test,
            size=self.config.size,
        )

    def paired(self, split: Split) -> bool:
        """True for the test split and for `pairs`: image i of both domains shows the same scene."""
        return split == "test" or self.config.pairs

    def channels(self, domain: Domain) -> int:
        """3: the landscapes are in colour."""
        return 3
