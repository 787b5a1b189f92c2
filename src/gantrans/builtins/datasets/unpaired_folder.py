"""The data set `unpaired_folder`: the user's own images, in one folder a domain."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from gantrans.api.folder_dataset import FolderDataset, FolderDatasetConfig
from gantrans.api.step import Domain


class Channels(BaseModel):
    """Channels of each domain's images."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    a: Literal[1, 3] = Field(3, description="of the first domain: 3 (colour) or 1 (gray)")
    b: Literal[1, 3] = Field(3, description="of the second domain: 3 (colour) or 1 (gray)")


def _for_both(value: Any) -> Any:
    """`channels = 1` means both domains."""
    if isinstance(value, Channels | dict):
        return value
    if value not in (1, 3):
        raise ValueError("give 3 (colour), 1 (gray), or a table such as { a = 3, b = 1 }")
    return {"a": value, "b": value}


class UnpairedFolder(FolderDataset):
    """Your own images, one folder for each domain.

    With `root` alone the folders are found by name: trainA trainB testA testB, or train/A train/B
    test/A test/B; also A/train B/train A/test B/test, or just A and B. Other folders are named one
    by one: train_a and train_b, and test_a and test_b if there are test images; with `root`
    these are relative to it. `gantrans init` writes all this for you.

    Nested folders count; hidden files and files that are no png, jpg, webp, bmp or tiff do not.
    Gray, palette, transparent and 16-bit images are converted as gantrans.api.image says. Images
    are taken in the order of their paths, so the same folders always give the same data set.
    """

    name = "unpaired_folder"

    class Config(FolderDatasetConfig):
        """Settings of `unpaired_folder`."""

        channels: Annotated[
            Channels,
            BeforeValidator(_for_both, json_schema_input_type=Literal[1, 3] | Channels),
        ] = Field(
            Channels(),
            description="3 (colour) or 1 (gray), or { a = 3, b = 1 } for each domain apart; "
            "images are converted",
        )

    config: Config

    def channels(self, domain: Domain) -> int:
        """As the config says."""
        channels: int = getattr(self.config.channels, domain)
        return channels
