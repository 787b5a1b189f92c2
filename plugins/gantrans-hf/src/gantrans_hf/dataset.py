"""The data set `huggingface`: images of Hugging Face datasets. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, model_validator

from gantrans.api.dataset import Dataset, DatasetConfig, Split
from gantrans.api.domains import filled
from gantrans.api.table import Table
from gantrans.errors import DataError
from gantrans_hf.loading import open_splits
from gantrans_hf.rows import Rows, image_column, rows_with_label

if TYPE_CHECKING:
    import datasets

    from gantrans.api.step import Domain


class Images(Table):
    """Which images are meant."""

    path: str | None = Field(
        None,
        min_length=1,
        description="folder with a saved data set, parquet files or images, relative to the spec's "
        "folder; or a name on the hub, such as huggan/monet2photo",
    )
    name: str | None = Field(
        None, description="configuration, where the data set has several; also called subset"
    )
    revision: str | None = Field(
        None, description="commit, tag or branch on the hub; absent: the newest"
    )
    train: str = Field("train", min_length=1, description="split to train on")
    test: str | None = Field(
        None, min_length=1, description="split to test on; absent: `test`, if there is one"
    )
    column: str = Field("image", min_length=1, description="column with the images")
    label_column: str = Field("label", min_length=1, description="column that `label` is found in")
    label: str | int | None = Field(
        None, description="take the rows with this label only, by name or by number; absent: all"
    )
    channels: Literal[1, 3] = Field(3, description="3 (colour) or 1 (gray); images are converted")


class HuggingFace(Dataset):
    """Images of Hugging Face datasets, from a local folder or from the hub.

    The settings mean both domains, and the tables `a` and `b` say what is different for one:
    another column, label, split or data set. No code of a data set is ever executed.
    """

    name = "huggingface"

    class Config(Images, DatasetConfig):
        """Settings of `huggingface`."""

        a: Images | None = Field(
            None, description='what is different for the first domain: `a = { label = "horse" }`'
        )
        b: Images | None = Field(None, description="what is different for the second domain")
        paired: bool = Field(
            False,
            description="whether image i of both domains shows the same thing, in every split",
        )

        @model_validator(mode="before")
        @classmethod
        def _fill_domains(cls, table: Any) -> Any:
            """What a domain's table leaves out is as in the common one."""
            return filled(table, Images.model_fields)

        @model_validator(mode="after")
        def _tells_domains_apart(self) -> HuggingFace.Config:
            a, b = self.of("a"), self.of("b")
            if a.path is None or b.path is None:
                raise ValueError(
                    "it says nothing about where the images are: give `path`, for both domains or "
                    "in each of the tables a and b"
                )
            keys = Images.model_fields.keys() - {"test"}
            if all(getattr(a, key) == getattr(b, key) for key in keys):
                raise ValueError(
                    "both domains are the same images: say in the tables a and b which column, "
                    'label, split or path is theirs, as in a = { label = "horse" }'
                )
            return self

        def of(self, domain: Domain) -> Images:
            """Which images are those of one domain."""
            own = self.a if domain == "a" else self.b
            return own or self

    config: Config

    def __init__(self, config: Config, *, base_dir: Path) -> None:
        super().__init__(config, base_dir=base_dir)
        self._opened: dict[tuple[str | None, ...], Mapping[str, datasets.Dataset]] = {}

    def source(self, split: Split, domain: Domain) -> Rows:
        """The images of `split` and `domain`, each decoded when it is asked for.

        Raises:
            DataError: if the data set cannot be had, or has no such split, column or label.
        """
        found = self._rows(split, domain)
        if self.config.paired:
            other = self._rows(split, "b" if domain == "a" else "a")
            if len(found) != len(other):
                raise DataError(
                    f"the data set is paired, but {found} has {len(found)} images and {other} has "
                    f"{len(other)}: set data.paired = false, or name other columns"
                )
        return found

    def paired(self, split: Split) -> bool:
        """As the config says."""
        return self.config.paired

    def channels(self, domain: Domain) -> int:
        """As the config says."""
        return self.config.of(domain).channels

    def _rows(self, split: Split, domain: Domain) -> Rows:
        images = self.config.of(domain)
        splits = self._splits(images)
        wanted = images.train if split == "train" else images.test or "test"
        if wanted not in splits:
            if split == "test" and images.test is None:
                return Rows(None, (), f"{images.path}/test", images.column)
            raise DataError(
                f"the data set {images.path!r} has no split {wanted!r} to {split} on; it has: "
                f"{', '.join(splits)}"
            )
        where = f"{images.path}/{wanted}"
        table = splits[wanted].with_format(None)  # it may be stored with one that gives no images
        numbers = rows_with_label(table, images.label_column, images.label, where)
        if split == "train" and not numbers:
            raise DataError(f"{where} has no image{_with(images)}: there is nothing to train on")
        return Rows(image_column(table, images.column, where), numbers, where, images.column)

    def _splits(self, images: Images) -> Mapping[str, datasets.Dataset]:
        key = (images.path, images.name, images.revision)
        if key not in self._opened:
            assert images.path is not None
            self._opened[key] = open_splits(
                images.path, images.name, images.revision, self.base_dir
            )
        return self._opened[key]


def _with(images: Images) -> str:
    return "" if images.label is None else f" with {images.label_column} = {images.label!r}"
