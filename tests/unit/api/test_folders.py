from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from gantrans.api.folders import NO_FILES, contents
from gantrans.errors import DataError


def make(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"")
    return root


def test_images_of_nested_folders_are_sorted_and_other_files_are_counted(tmp_path: Path) -> None:
    names = ("b.png", "a/z.JPG", "a/deep/1.tif", "a.txt", "a/README", ".hidden.png", ".git/x.png")
    found = contents(make(tmp_path, *names))
    assert found.images == ("a/deep/1.tif", "a/z.JPG", "b.png")
    assert found.others == {"": 1, ".txt": 1}
    assert str(found) == "3 images, and other files: 1 without a suffix, 1 .txt"


def test_a_link_to_a_folder_counts_and_one_to_a_folder_above_ends(tmp_path: Path) -> None:
    make(tmp_path, "data/a/1.png", "elsewhere/2.png")
    (tmp_path / "data" / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "data" / "a" / "above").symlink_to(tmp_path / "data")
    (tmp_path / "data" / "itself").symlink_to("itself")
    assert contents(tmp_path / "data").images == ("a/1.png", "link/2.png")


def test_links_to_images_count_and_one_to_nothing_does_to_be_complained_of(tmp_path: Path) -> None:
    make(tmp_path, "data/1.png")
    (tmp_path / "data" / "2.png").symlink_to("1.png")
    (tmp_path / "data" / "3.png").symlink_to("nowhere.png")
    assert contents(tmp_path / "data").images == ("1.png", "2.png", "3.png")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names")
def test_pipes_sockets_and_devices_are_no_images_whatever_they_are_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(make(tmp_path, "1.png"))  # the path of a socket may not be long
    os.mkfifo("pipe.png")
    Path("link.png").symlink_to("pipe.png")
    Path("device.png").symlink_to(os.devnull)
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind("socket.png")
        found = contents(tmp_path)
    assert found.images == ("1.png",)
    assert found.others == {NO_FILES: 4}


def test_a_folder_that_is_not_there_is_one_message(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"cannot look into the folder .*nowhere: No such file"):
        contents(tmp_path / "nowhere")


def test_files_cost_no_stat_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, *(f"{n}.png" for n in range(20)))
    asked: list[object] = []
    stat = os.stat
    monkeypatch.setattr(os, "stat", lambda *a, **k: (asked.append(a), stat(*a, **k))[1])
    assert len(contents(tmp_path).images) == 20
    assert len(asked) < 5
