from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from multiprocessing import active_children
from pathlib import Path

import pytest
from PIL import Image

from gantrans.api.dataset import ImageSource
from gantrans.data_check.plan import of_folder
from gantrans.data_check.reading import FEW, Images, read_all
from gantrans.errors import DataError, GantransError
from gantrans.plugin.carried import FilePlugins
from pictures import folders, photo


@dataclass(frozen=True)
class Deadly(ImageSource):
    """Image 20 ends the process that reads it."""

    def __len__(self) -> int:
        return FEW + 1

    def image(self, index: int) -> Image.Image:
        if index == 20:
            os.kill(os.getpid(), signal.SIGKILL)
        return photo(index)

    def label(self, index: int) -> str:
        return str(index)


def test_processes_find_what_one_finds_in_the_same_order(tmp_path: Path) -> None:
    plan = of_folder(folders(tmp_path, train=40, test=7))
    told: list[int] = []
    several = plan.look(2, told.append)
    assert several == plan.look(1)
    assert sum(told) == plan.total == 94 > FEW
    assert active_children() == []


def test_a_process_that_is_killed_is_one_message() -> None:
    images = [Images(FilePlugins(), Deadly(), None, 3)]
    with pytest.raises(GantransError, match=r"was killed.*--workers 1"):
        read_all(images, 2)
    assert active_children() == []


def test_an_interrupt_ends_the_processes(tmp_path: Path) -> None:
    plan = of_folder(folders(tmp_path, train=40))

    def interrupt(count: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        plan.look(2, interrupt)
    assert active_children() == []


@pytest.mark.parametrize("names", [("trainA", "trainB", "testA", "testB"), ("cats", "dogs")])
def test_two_domains_are_found_as_init_finds_them(names: tuple[str, ...], tmp_path: Path) -> None:
    for name in names:
        (tmp_path / name).mkdir()
        photo(0).save(tmp_path / name / "0.png")
    parts = of_folder(tmp_path).parts
    assert [(part.split, part.name, len(part.source)) for part in parts] == (
        [("train", "A", 1), ("train", "B", 1), ("test", "A", 1), ("test", "B", 1)]
        if len(names) == 4
        else [("train", "cats", 1), ("train", "dogs", 1), ("test", "cats", 0), ("test", "dogs", 0)]
    )


def test_a_folder_of_images_alone_is_one_domain(tmp_path: Path) -> None:
    (tmp_path / "horses").mkdir()
    photo(0).save(tmp_path / "horses" / "0.png")
    parts = of_folder(tmp_path / "horses").parts
    assert [(part.split, part.name, len(part.source)) for part in parts] == [
        ("train", "horses", 1),
        ("test", "horses", 0),
    ]


def test_a_folder_without_images_says_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "a.gif").write_bytes(b"")
    with pytest.raises(DataError, match=r"no images in .*other files: 1 \.gif"):
        of_folder(tmp_path)
