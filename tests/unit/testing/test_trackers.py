from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from PIL import Image

from faulty import fault, faulty, unproven
from gantrans.api.tracker import Tracker
from gantrans.testing.trackers import CHECKS


class Sound(Tracker):
    """Lines of text."""

    name = "sound"

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        with (self.run_dir / "numbers.txt").open("a") as file:
            file.write(f"{step} {dict(values)}\n")


def only_colour(self: Any, step: int, name: str, image: Image.Image) -> None:
    _red, _green, _blue = image.getpixel((0, 0))


def taking(self: Any, step: int, values: dict[str, float]) -> None:
    values.clear()


def once(self: Any, step: int, values: Mapping[str, float]) -> None:
    if self.start_step == 0:
        (self.run_dir / f"{step}.txt").touch(exist_ok=False)
    elif (self.run_dir / f"{step}.txt").exists():
        raise ValueError("step 20 was there already")


FAULTS = [
    fault("takes_what_a_run_reports", faulty(Sound, images=only_colour), "images raises TypeError"),
    fault("takes_what_a_run_reports", faulty(Sound, scalars=taking), "copy what you change"),
    fault("goes_on_with_a_resumed_run", faulty(Sound, scalars=once), "of a resumed run"),
    fault(
        "can_be_closed_at_once",
        faulty(Sound, close=lambda self: self.file.close()),
        "close raises AttributeError",
    ),
]


@pytest.mark.parametrize(("check", "component", "words"), FAULTS)
def test_a_fault_is_found_by_its_check_which_says_what_to_change(
    check: str, component: Any, words: str, outcome: Callable[..., Any]
) -> None:
    found = outcome(component, check)

    assert found.status == "failed"
    assert words in found.message


def test_every_check_has_a_fault_that_it_finds() -> None:
    assert unproven(FAULTS, CHECKS) == set()


def test_a_sound_one_passes(is_sound: Callable[[Any], None]) -> None:
    is_sound(Sound)
