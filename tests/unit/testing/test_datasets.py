"""The datasets here are one-file plugins, as a spawned process finds those again."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from faulty import fault, unproven
from gantrans.testing import spawned
from gantrans.testing.datasets import CHECKS
from gantrans.testing.kit import checks_of
from gantrans.testing.target import subjects_of

SOUND = """
import random
from dataclasses import dataclass

import torch
from PIL import Image

from gantrans import Dataset, ImageSource


@dataclass(frozen=True)
class Plain(ImageSource):
    count: int
    shade: int

    def __len__(self):
        return self.count

    def image(self, index):
        return Image.new("RGB", (8, 6), (self.shade, 10 * index, 0))

    def label(self, index):
        return f"{self.shade}-{index}"


class Faulty(Dataset):
    '''Plain colours.'''

    name = "faulty"

    def source(self, split, domain):
        return Plain(3, 10 if domain == "a" else 200)
"""

SOURCE, DATASET = "Plain", "Faulty"


def method(of: str, code: str) -> tuple[str, str]:
    """A method that takes the place of the one of its name."""
    return of, textwrap.indent(textwrap.dedent(code).strip(), "    ")


FAULTS = [
    fault(
        "making_it_reads_nothing",
        method(
            DATASET,
            """
            def __init__(self, config, *, base_dir):
                super().__init__(config, base_dir=base_dir)
                self.found = sorted(base_dir.iterdir())
            """,
        ),
        "read in source()",
    ),
    fault(
        "has_training_images",
        method(DATASET, "def source(self, split, domain): return Plain(0, 0)"),
        "give images, or raise a DataError",
    ),
    fault(
        "has_training_images",
        method(DATASET, "def source(self, split, domain): raise OSError('no disk')"),
        "give settings with which it finds",
    ),
    fault(
        "images_are_readable",
        method(SOURCE, "def image(self, index): return b'pixels'"),
        "give a PIL image",
    ),
    fault(
        "images_are_readable",
        method(SOURCE, "def image(self, index): return torch.zeros(2, 6, 8)"),
        "correct one of them",
    ),
    fault(
        "images_are_readable",
        method(SOURCE, "def image(self, index): return torch.full((3, 6, 8), 200.0)"),
        "scale them to [-1, 1]",
    ),
    fault(
        "images_are_readable",
        method(SOURCE, "def image(self, index): return torch.zeros(3, 6, 8).double()"),
        "give float32",
    ),
    fault(
        "images_can_be_told_apart",
        method(SOURCE, "def label(self, index): return 'image'"),
        "a label of its own",
    ),
    fault(
        "images_can_be_told_apart",
        method(SOURCE, "def label(self, index): return ' ' * index"),
        "give a path or a name",
    ),
    fault(
        "images_can_be_told_apart",
        method(SOURCE, "def image(self, index): return Image.new('L', (8, 6))"),
        "use `index`",
    ),
    fault(
        "gives_the_same_image_again",
        method(
            SOURCE,
            "def image(self, index): "
            "return Image.new('RGB', (8, 6), (index, random.randrange(250), 0))",
        ),
        "belong to the framework",
    ),
    fault(
        "gives_a_new_image_each_time",
        (
            SOURCE,
            """
    shared = torch.zeros(3, 6, 8)

    def image(self, index):
        self.shared.fill_(index / 10)
        return self.shared
""",
        ),
        "give a new image each time",
    ),
    fault(
        "origins_name_images",
        method(SOURCE, "def origin(self, index): return f'image {index}'"),
        "as that of another image is",
    ),
    fault(
        "origins_name_images",
        method(SOURCE, "def origin(self, index): return str(random.random())"),
        "gives two different origins",
    ),
    fault(
        "origins_name_images",
        method(SOURCE, "def origin(self, index): import pathlib; return pathlib.Path('nowhere')"),
        "which is no file",
    ),
    fault(
        "origins_name_images",
        method(SOURCE, "def origin(self, index): return index"),
        "give the path of a file",
    ),
    fault(
        "survives_a_spawned_process",
        method(SOURCE, "def __setstate__(self, state): import os; os._exit(1)"),
        "dies or hangs",
    ),
    fault(
        "survives_a_spawned_process",
        method(
            DATASET,
            """
            def source(self, split, domain):
                found = Plain(3, 10)
                object.__setattr__(found, "read", lambda index: index)
                return found
            """,
        ),
        "no open files, lambdas",
    ),
    fault(
        "survives_a_spawned_process",
        method(
            SOURCE,
            """
            def image(self, index):
                from multiprocessing import parent_process
                here = 0 if parent_process() else 1
                return Image.new("RGB", (8, 6), (here, index, 0))
            """,
        ),
        "not on globals, hash()",
    ),
    fault(
        "paired_images_match",
        method(
            DATASET,
            """
            def paired(self, split): return True
            def source(self, split, domain): return Plain(3 if domain == "a" else 2, 0)
            """,
        ),
        "leave out those without a partner",
    ),
    fault(
        "paired_images_match",
        method(
            DATASET,
            """
            def paired(self, split): return True
            def source(self, split, domain):
                made = Plain(3, 0)
                if domain == "b":
                    object.__setattr__(made, "image", lambda i: Image.new("L", (5 + i, 5)))
                return made
            """,
        ),
        "bring a pair to one size",
    ),
]


@pytest.fixture
def outcomes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Iterator[Any]]:
    """What the checks of a name, or all, say of the dataset in a piece of code."""
    monkeypatch.setenv("GANTRANS_PLUGINS", "none")

    def of(code: str, name: str | None = None) -> Iterator[Any]:
        file = tmp_path / "faulty.py"
        file.write_text(code)
        [subject] = subjects_of(str(file))
        for check in checks_of("dataset"):
            if name in (None, check.name):
                yield check.name, check.of(subject)

    return of


@pytest.mark.parametrize(("check", "change", "words"), FAULTS)
def test_a_fault_is_found_by_its_check_which_says_what_to_change(
    check: str, change: tuple[str, str], words: str, outcomes: Callable[..., Any]
) -> None:
    where, code = change
    head, tail = SOUND.split("class Faulty")
    broken = f"{head}\n{code}\n\n\nclass Faulty{tail}" if where == SOURCE else f"{SOUND}\n{code}\n"

    [(_, found)] = outcomes(broken, check)

    assert found.status == "failed"
    assert words in found.message


def test_a_spawned_process_that_hangs_is_ended(
    outcomes: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spawned, "PATIENCE", 0.5)
    hang = "def __setstate__(self, state): import time; time.sleep(1000)"
    head, tail = SOUND.split("class Faulty")

    [(_, found)] = outcomes(
        f"{head}\n    {hang}\n\n\nclass Faulty{tail}", "survives_a_spawned_process"
    )

    assert found.status == "failed"
    assert "dies or hangs" in found.message


def test_every_check_has_a_fault_that_it_finds() -> None:
    assert unproven(FAULTS, CHECKS) == set()


def test_a_sound_one_passes(outcomes: Callable[..., Any]) -> None:
    found = dict(outcomes(SOUND))

    assert {k: o.message for k, o in found.items() if o.status == "failed"} == {}
    assert found["survives_a_spawned_process"].status == "ok"


def test_tensors_of_any_number_of_channels_pass(outcomes: Callable[..., Any]) -> None:
    code = SOUND.replace(
        'return Image.new("RGB", (8, 6), (self.shade, 10 * index, 0))',
        "return torch.full((5, 6, 8), index / 10)",
    )
    code += "\n    def channels(self, domain):\n        return 5\n"

    assert dict(outcomes(code, "images_are_readable"))["images_are_readable"].status == "ok"
