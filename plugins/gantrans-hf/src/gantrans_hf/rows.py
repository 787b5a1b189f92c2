"""The images in the rows of one split. Imports neither torch nor `datasets` by itself."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from PIL import Image, ImageOps

from gantrans.api.dataset import ImageSource
from gantrans.api.image import open_lazily
from gantrans.api.problem import nearest
from gantrans.errors import DataError

if TYPE_CHECKING:
    import datasets


@dataclass(frozen=True)
class Rows(ImageSource):
    """Images of some rows of a table, each decoded when it is asked for.

    Args:
        table: with a column of images; memory-mapped, and found again by other processes. None if
            there are no rows.
        numbers: of the rows.
        where: what to call the table in labels, such as "horses/train".
        column: the column with the images.
    """

    table: datasets.Dataset | None
    numbers: Sequence[int]
    where: str
    column: str

    def __len__(self) -> int:
        return len(self.numbers)

    def image(self, index: int) -> Image.Image:
        """Image `index`, upright. Raises DataError, naming the row, if it is unreadable."""
        assert self.table is not None
        try:
            stored = self.table[self.numbers[index]][self.column]
            if stored is None:
                raise DataError("the row has none")
            with _opened(stored) as file, open_lazily(file) as image:
                image.load()
                upright = ImageOps.exif_transpose(image)
        except Exception as error:  # of Pillow, pyarrow or the file system
            raise DataError(
                f"cannot read the image {self.label(index)}: {error or type(error).__name__}; "
                "repair the data set, or take the row out"
            ) from error
        return upright

    def label(self, index: int) -> str:
        """Such as "horses/train/17/image": the table, the number of the row, and the column."""
        return f"{self.where}/{self.numbers[index]}/{self.column}"

    def __str__(self) -> str:
        return f"{self.where} ({self.column})"


def image_column(table: datasets.Dataset, column: str, where: str) -> datasets.Dataset:
    """The table with its column of images alone, each as `{"bytes": ..., "path": ...}`.

    Raises:
        DataError: if there is no such column, or it holds no images.
    """
    import datasets

    feature = table.features.get(column)
    if feature is None:
        raise _no_column(table, column, where)
    images = table.select_columns([column])
    if isinstance(feature, datasets.Image):
        return images.cast_column(column, datasets.Image(decode=False))
    if isinstance(feature, dict):  # as `datasets` stores images, written by someone else
        encoded = feature.keys() == {"bytes", "path"}
    else:
        encoded = getattr(feature, "dtype", None) in ("binary", "large_binary")
    if encoded:
        return images.cast_column(column, datasets.Image(decode=False))
    raise DataError(f"the column {column!r} of {where} holds {feature}, not images")


def rows_with_label(
    table: datasets.Dataset, column: str, label: str | int | None, where: str
) -> Sequence[int]:
    """The numbers of the rows whose `column` is `label`; of all rows if it is None.

    Raises:
        DataError: if there is no such column, or no such label.
    """
    import datasets

    if label is None:
        return range(len(table))
    feature = table.features.get(column)
    if feature is None:
        raise _no_column(table, column, where)
    if isinstance(feature, datasets.ClassLabel) and isinstance(label, str):
        names = list(feature.names)
        if label not in names:
            raise DataError(
                f"{where} has no {column} {label!r}{nearest(label, names)} (there are: "
                f"{', '.join(names)})"
            )
        label = names.index(label)
    values = table.select_columns([column])[:][column]
    return [number for number, value in enumerate(values) if value == label]


def _opened(stored: Mapping[str, Any]) -> IO[bytes]:
    """Open an image as `datasets` stores it: its bytes, or where its file is."""
    if stored["bytes"] is not None:
        return io.BytesIO(stored["bytes"])
    path: str = stored["path"]
    if "://" not in path:
        return Path(path).open("rb")
    import fsspec  # type: ignore[import-untyped]

    file: IO[bytes] = fsspec.open(path, "rb").open()
    return file


def _no_column(table: datasets.Dataset, column: str, where: str) -> DataError:
    names = table.column_names
    return DataError(
        f"{where} has no column {column!r}{nearest(column, names)} (there are: {', '.join(names)})"
    )
