from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from gantrans.errors import GantransError, UsageError
from gantrans.inference.files.whole import appearing, appearing_together, refuse_unwritable


def test_a_file_appears_when_it_is_whole_and_replaces_the_one_before(tmp_path: Path) -> None:
    target = tmp_path / "new" / "notes.txt"
    for text in ("one", "two"):
        with appearing(target, overwrite=True) as beside:
            beside.write_text(text)
            assert beside.parent == target.parent and beside.suffix == target.suffix
            assert not target.exists() or target.read_text() != text
        assert target.read_text() == text
    assert list(target.parent.iterdir()) == [target]


def test_a_file_that_was_cut_off_leaves_nothing_and_the_one_before_stays(tmp_path: Path) -> None:
    target = tmp_path / "notes.txt"
    target.write_text("mine")
    with pytest.raises(KeyboardInterrupt), appearing(target, overwrite=True) as beside:
        beside.write_text("half")
        raise KeyboardInterrupt
    assert target.read_text() == "mine"
    assert list(tmp_path.iterdir()) == [target]


def made_meanwhile(path: Path, kind: str) -> None:
    if kind == "a pipe":
        os.mkfifo(path)
    elif kind == "a link to nothing":
        path.symlink_to("nothing")
    elif kind == "a folder":
        path.mkdir()
    else:
        path.write_text("of another")


KINDS = ["a file", "a link to nothing", "a pipe", "a folder"]


@pytest.mark.parametrize("links", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_what_appears_during_the_work_is_never_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, links: bool
) -> None:
    if not links:
        without_links(monkeypatch)
    target = tmp_path / "notes.txt"
    with (
        pytest.raises(GantransError, match=r"notes\.txt"),
        appearing(target, overwrite=False) as beside,
    ):
        beside.write_text("mine")
        made_meanwhile(target, kind)
        before = target.lstat()
    assert target.lstat() == before
    assert list(tmp_path.iterdir()) == [target]


def without_links(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on FAT."""

    def refused(*paths: Path) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refused)


def test_without_hard_links_files_appear_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_links(monkeypatch)
    with appearing(tmp_path / "notes.txt", overwrite=False) as beside:
        beside.write_text("mine")
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_replacing_takes_the_name_and_never_writes_through_it(tmp_path: Path) -> None:
    linked, target = tmp_path / "linked.txt", tmp_path / "notes.txt"
    linked.write_text("theirs")
    target.symlink_to(linked)
    with appearing(target, overwrite=True) as beside:
        beside.write_text("mine")
    assert (linked.read_text(), target.read_text()) == ("theirs", "mine")
    assert not target.is_symlink()
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    target.unlink()
    target.symlink_to(pipe)
    for path in (pipe, target):
        with pytest.raises(UsageError), appearing(path, overwrite=True) as beside:
            beside.write_text("mine")
    assert pipe.is_fifo() and target.is_symlink()


def test_of_several_files_all_appear_or_none_of_the_new(tmp_path: Path) -> None:
    first, second, third = (tmp_path / name for name in "abc")
    with (
        pytest.raises(GantransError),
        appearing_together([first, second, third], replaceable=[second]) as besides,
    ):
        for beside in besides:
            beside.write_text("mine")
        second.write_text("old")
        third.write_text("of another")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "b": "old", "c": "of another"
    }  # fmt: skip


def test_a_name_may_be_as_long_as_a_name_can_be_and_no_longer(tmp_path: Path) -> None:
    with appearing(tmp_path / ("w" * 255), overwrite=False) as beside:
        beside.touch()
    for out in (tmp_path / ("w" * 256), tmp_path / f"w.{'w' * 256}"):
        with (
            pytest.raises(OSError, match="File name too long"),
            appearing(out, overwrite=False) as beside,
        ):
            beside.touch()
    assert [path.name for path in tmp_path.iterdir()] == ["w" * 255]


def test_what_is_in_the_way_is_said_before_the_work(tmp_path: Path) -> None:
    taken = tmp_path / "taken.png"
    refuse_unwritable(taken, overwrite=False)
    taken.symlink_to("nothing")
    with pytest.raises(UsageError, match="exists"):
        refuse_unwritable(taken, overwrite=False)
    taken.unlink()
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
