from __future__ import annotations

import json
import random
from pathlib import Path

import torch
from PIL import Image, ImageChops

from gantrans.training.first_look import first_look, needs
from gantrans.training.rundir import RunDirectory
from gantrans.training.session import first_batch
from tiny_run import tiny_job, tiny_spec


def test_looking_draws_from_no_generator_that_training_draws_from(tmp_path: Path) -> None:
    job = tiny_job()
    before = torch.get_rng_state(), random.getstate()
    assert len(list(first_look(job, RunDirectory(tmp_path)))) == 2
    assert torch.equal(torch.get_rng_state(), before[0])
    assert random.getstate() == before[1]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["batch.png", "data.json"]


def test_the_picture_is_what_show_batch_draws(tmp_path: Path) -> None:
    list(first_look(tiny_job(), RunDirectory(tmp_path)))
    with Image.open(tmp_path / "batch.png") as drawn:
        assert not ImageChops.difference(drawn, first_batch(tiny_spec(), count=4)).getbbox()


def test_images_of_two_sizes_are_a_line_not_a_failure(tmp_path: Path) -> None:
    job = tiny_job()
    sizes = iter((16, 20, 24, 28) * 8)
    source = job.samples.sources["a"]
    object.__setattr__(job.samples, "sources", {**job.samples.sources, "a": _Sized(source, sizes)})
    lines = list(first_look(job, RunDirectory(tmp_path)))
    assert any(line.startswith("batch.png was not written: ") for line in lines)
    assert json.loads((tmp_path / "data.json").read_text())["version"] == 1


class _Sized:
    """A source whose images have other sizes each time."""

    def __init__(self, source: object, sizes: object) -> None:
        self.source, self.sizes = source, sizes

    def __len__(self) -> int:
        return len(self.source)  # type: ignore[arg-type]

    def __getattr__(self, name: str) -> object:
        return getattr(self.source, name)

    def image(self, index: int) -> Image.Image:
        side = next(self.sizes)  # type: ignore[call-overload]
        return Image.new("RGB", (side, side))


def test_the_networks_need_their_largest_minimum_and_common_multiple() -> None:
    # A ResNet generator halves twice and needs 8; a PatchGAN of two layers needs 4 * 3.
    assert needs(tiny_job().method) == (12, 4)
    unet = tiny_job(generator={"type": "unet", "depth": 4, "blocks": None})
    assert needs(unet.method) == (16, 16)
