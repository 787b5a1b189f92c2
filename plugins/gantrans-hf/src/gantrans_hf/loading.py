"""Opening a data set, wherever it is. Imports neither torch nor, by itself, `datasets`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gantrans.errors import DataError

if TYPE_CHECKING:
    import datasets


def open_splits(
    path: str, name: str | None, revision: str | None, base_dir: Path
) -> Mapping[str, datasets.Dataset]:
    """The splits of a data set by name, as tables on the disk; a first time it may be downloaded.

    `datasets` executes no code of a data set since its version 4, and is not asked to.

    Args:
        path: a folder, relative to `base_dir`, or a name on the hub.
        name: its configuration, where it has several.
        revision: on the hub.
        base_dir: the folder of the spec.

    Raises:
        DataError: saying what to do, if there is no such data set, or it cannot be read.
    """
    import datasets

    folder = base_dir / Path(path).expanduser()
    if folder.is_file():
        raise DataError(f"data.path = {path!r} is a file: give the folder that it is in")
    local = folder.is_dir()
    if not local and _is_no_name(path):
        raise DataError(
            f"data.path = {path!r}: there is no folder {folder} (a relative path is taken from "
            f"{base_dir})"
        )
    try:
        if local and _was_saved(folder):
            saved = datasets.load_from_disk(str(folder))
            return saved if isinstance(saved, datasets.DatasetDict) else {"train": saved}
        # Not asked for one split, it gives all.
        found: Mapping[str, Any] = datasets.load_dataset(
            str(folder) if local else path, name, revision=revision
        )
    except Exception as error:  # of the file system, of the network, of pyarrow, of anyone's data
        reason = str(error) or type(error).__name__
        if local:
            raise DataError(
                f"cannot read the data set in {folder}: {reason}; expected a saved data set, "
                "parquet files, or folders of images"
            ) from error
        raise DataError(
            f"cannot load the data set {path!r}: {reason}. There is no folder {folder}, so it was "
            "looked for on the Hugging Face hub: check its name and the connection, run `hf auth "
            "login` if it is not public, or download it and give its folder"
        ) from error
    return found


def _is_no_name(path: str) -> bool:
    """Names on the hub are `name` or `owner/name`."""
    return path.startswith((".", "/", "~")) or path.count("/") > 1 or "\\" in path


def _was_saved(folder: Path) -> bool:
    """Whether `save_to_disk` wrote it: one split, or several."""
    return (folder / "state.json").is_file() or (folder / "dataset_dict.json").is_file()
