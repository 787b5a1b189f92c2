"""The data set `scientific`: TIFF and NumPy files, in one folder a domain. Imports no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from gantrans.api.dataset import Split
from gantrans.api.folder_dataset import FolderDataset, FolderDatasetConfig, FolderSource
from gantrans.api.pairs import matched, not_pairs
from gantrans_scientific.array_files import ArrayFiles
from gantrans_scientific.pixels import Pixels

if TYPE_CHECKING:
    from gantrans.api.step import Domain


class Scientific(FolderDataset):
    """TIFF and NumPy files of any depth and number of channels, one folder for each domain.

    The folders are found as those of `unpaired_folder` are. The tables `a` and `b` say what the
    files of a domain hold; a file that holds something else is refused, nothing is converted. What
    `gantrans translate` writes has the depth and the value range of the target domain.
    """

    name = "scientific"

    class Config(FolderDatasetConfig):
        """Settings of `scientific`."""

        a: Pixels = Field(
            Pixels(), description="what the first domain's files hold: channels, depth, range, axes"
        )
        b: Pixels = Field(Pixels(), description="the same for the second domain's files")
        paired: bool = Field(
            False,
            description="whether files of one name, suffix aside, show the same thing in both "
            "domains; there must then be a file of each name in both",
        )

    config: Config

    def source(self, split: Split, domain: Domain) -> FolderSource:
        """The files of `split` and `domain`, each read when it is asked for.

        Raises:
            DataError: if a folder is missing or without files, or with all files that have no
                partner where the data set is said to be paired.
        """
        if not self.config.paired:
            return super().source(split, domain)
        a, b, wrong = matched(
            self.found(split, "a"), self.found(split, "b"), limit=self.config.limit
        )
        if wrong:
            raise not_pairs(wrong, "Add or remove files, or set data.paired = false.")
        return a if domain == "a" else b

    def paired(self, split: Split) -> bool:
        """As the config says."""
        return self.config.paired

    def channels(self, domain: Domain) -> int:
        """As the config says."""
        return self._pixels(domain).channels

    def files(self, domain: Domain) -> ArrayFiles:
        """TIFF and NumPy files with the pixels that the config says."""
        return ArrayFiles(self._pixels(domain))

    def _pixels(self, domain: Domain) -> Pixels:
        return self.config.a if domain == "a" else self.config.b
