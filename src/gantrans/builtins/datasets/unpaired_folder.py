"""The data set `unpaired_folder`: the user's own images, in one folder a domain."""

from __future__ import annotations

from pydantic import Field

from gantrans.api.folder_dataset import FolderDataset, FolderDatasetConfig
from gantrans.api.step import Domain
from gantrans.builtins.datasets.channels import CHANNELS, Channels, ChannelsSetting


class UnpairedFolder(FolderDataset):
    """Your own images, one folder for each domain.

    With `root` alone the folders are found by name: trainA trainB testA testB, or train/A train/B
    test/A test/B; also A/train B/train A/test B/test, or just A and B. Other folders are named one
    by one: train_a and train_b, and test_a and test_b if there are test images; with `root`
    these are relative to it. Those of one domain are enough for a method that reads no other.
    `gantrans init` writes all this for you.

    Nested folders count; hidden files and files that are no png, jpg, webp, bmp or tiff do not.
    Gray, palette, transparent and 16-bit images are converted as gantrans.api.image says. Images
    are taken in the order of their paths, so the same folders always give the same data set.
    """

    name = "unpaired_folder"

    class Config(FolderDatasetConfig):
        """Settings of `unpaired_folder`."""

        channels: ChannelsSetting = Field(Channels(), description=CHANNELS)

    config: Config

    def channels(self, domain: Domain) -> int:
        """As the config says."""
        return self.config.channels.of(domain)
