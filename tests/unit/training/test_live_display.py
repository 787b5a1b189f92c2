from __future__ import annotations

import io

import pytest
from rich.cells import cell_len
from rich.console import Console

from gantrans.api.baseline import Baseline
from gantrans.training.live_display import display
from gantrans.training.standing import Measured, Pace, Standing

PACE = Pace(
    step=40, steps=1000, epoch=1, epochs=25, images_per_second=12.34, waiting=0.071,
    seconds_left=80.4,
)  # fmt: skip
MEASURED = Measured("swd", 40, 112.04, Baseline("mean_image", 189.41), 98.27, 20)
FAULT = (
    "no translation from summer to winter since step 340: outputs differ from their inputs by "
    "0.012 (below 0.03)"
)
CURVES = {f"generators/loss_{n}/summer->winter": n / 4 for n in range(8)}


def shown(standing: Standing | None, width: int = 120, height: int = 40, step: int = 43) -> str:
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, color_system=None, width=width, height=height)
    console.print(display(step, 1000, standing, console))
    return file.getvalue()


def test_all_that_one_wants_to_know_is_there() -> None:
    text = shown(Standing(PACE, CURVES, MEASURED, FAULT, "812 MiB"))
    for part in (
        "step 43/1000", "epoch 1/25", "left 1:20", "12.3 images/s", "waiting for data 7%",
        "memory 812 MiB", "swd 112.04 at step 40", "mean image 189.41", "best 98.27 at step 20",
        "health: no translation from summer to winter",
        *CURVES,
    ):  # fmt: skip
        assert part in text


def test_before_the_first_look_it_says_so() -> None:
    assert "health: not watched yet" in shown(Standing(PACE, CURVES))
    assert "best" not in shown(Standing(PACE, CURVES))
    assert shown(None) == "step 43/1000\n"


@pytest.mark.parametrize("width", [120, 80, 60, 40, 25])
@pytest.mark.parametrize("height", [40, 24, 14])
@pytest.mark.parametrize(
    "domain", ["winter", "a domain with a name as long as allowed", "冬の山の景色" * 4]
)
def test_it_fits_any_terminal(width: int, height: int, domain: str) -> None:
    curves = {f"generators/loss_{n}/summer->{domain}": n / 4 for n in range(40)}
    lines = shown(Standing(PACE, curves, MEASURED, FAULT, "812 MiB"), width, height).splitlines()
    assert all(cell_len(line) < width for line in lines)
    assert len(lines) < height or width == 25
    if width >= 60:  # nothing but a long health or name is cut
        text = "\n".join(lines)
        for part in ("left 1:20", "memory 812 MiB", "mean image 189.41", "at step 20", "0.2500"):
            assert part in text


def test_more_losses_than_fit_are_counted() -> None:
    curves = {f"loss_{n:02d}": n / 4 for n in range(40)}
    lines = shown(Standing(PACE, curves, MEASURED), height=24).splitlines()
    last = lines[-1].split()
    listed = [line for line in lines if line.startswith("  loss_")]
    assert last[:2] == ["...", "and"] and int(last[2]) + len(listed) == 40
    assert len(lines) < 24
    assert "more" not in shown(Standing(PACE, curves, MEASURED), height=60)


def test_the_bar_grows_with_the_steps() -> None:
    bars = [shown(Standing(PACE, {}), 60, 24, step).splitlines()[0] for step in (0, 500, 1000)]
    assert [bar.count("━") for bar in bars] == [0, 29, 59]


def test_a_terminal_without_unicode_gets_none() -> None:
    file = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    console = Console(file=file, force_terminal=True, color_system=None, width=60, height=24)
    console.print(display(43, 1000, Standing(PACE, CURVES, MEASURED), console))
    file.flush()
    assert file.buffer.getvalue().startswith(b"##-")  # type: ignore[attr-defined]
