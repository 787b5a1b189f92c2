from __future__ import annotations

import os
from pathlib import Path

import pytest

from gantrans.errors import UsageError
from gantrans.inference.files.whole import appearing, refuse_unwritable


def test_a_file_appears_when_it_is_whole_and_replaces_the_one_before(tmp_path: Path) -> None:
    target = tmp_path / "new" / "notes.txt"
    for text in ("one", "two"):
        with appearing(target) as beside:
            beside.write_text(text)
            assert beside.parent == target.parent and beside.suffix == target.suffix
            assert not target.exists() or target.read_text() != text
        assert target.read_text() == text
    assert list(target.parent.iterdir()) == [target]


def test_a_file_that_was_cut_off_leaves_nothing_and_the_one_before_stays(tmp_path: Path) -> None:
    target = tmp_path / "notes.txt"
    target.write_text("mine")
    with pytest.raises(KeyboardInterrupt), appearing(target) as beside:
        beside.write_text("half")
        raise KeyboardInterrupt
    assert target.read_text() == "mine"
    assert list(tmp_path.iterdir()) == [target]


def test_a_name_may_be_as_long_as_a_name_can_be_and_no_longer(tmp_path: Path) -> None:
    with appearing(tmp_path / ("w" * 255)) as beside:
        beside.touch()
    for out in (tmp_path / ("w" * 256), tmp_path / f"w.{'w' * 256}"):
        with pytest.raises(OSError, match="File name too long"), appearing(out) as beside:
            beside.touch()
    assert [path.name for path in tmp_path.iterdir()] == ["w" * 255]


def test_what_is_in_the_way_is_said_before_the_work(tmp_path: Path) -> None:
    taken = tmp_path / "taken.png"
    refuse_unwritable(taken, overwrite=False)
    taken.touch()
    refuse_unwritable(taken, overwrite=True)
    for out, overwrite, reason in (
        (taken, False, f"{taken} exists; choose another --out, or say --overwrite"),
        (Path(os.devnull), True, "is a pipe or a device, which no file replaces"),
        (tmp_path, True, f"{tmp_path} is a folder, where a file would be written"),
        (taken / "x.png", True, f"cannot write {taken / 'x.png'}: there is no folder {taken}"),
        (tmp_path / "no" / "x.png", True, f"there is no folder {tmp_path / 'no'}"),
        (tmp_path / ("w" * 300), True, "File name too long; give another --out"),
    ):
        with pytest.raises(UsageError) as refused:
            refuse_unwritable(out, overwrite=overwrite)
        assert reason in str(refused.value)
