from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from gantrans.inference import memory
from gantrans.training import largest_batch
from gantrans.training.dry_run import dry_run
from gantrans.training.largest_batch import estimate, largest, repeated, say_largest
from gantrans.training.step import TrainingStep
from tiny_run import steps_of, tiny_job

MIB = 2**20


def holding(limit: int, tried: list[int]) -> Callable[[int], bool]:
    """A device that holds batches of up to `limit` images."""

    def fits(count: int) -> bool:
        tried.append(count)
        return count <= limit

    return fits


@pytest.mark.parametrize("known", [1, 3, 16])
@pytest.mark.parametrize("most", [16, 17, 100, 256])
def test_the_search_finds_the_largest_that_fits_and_tries_few(known: int, most: int) -> None:
    for limit in range(known, most + 5):
        tried: list[int] = []
        assert largest(holding(limit, tried), known, most) == min(limit, most)
        assert len(tried) == len(set(tried)) <= 18
        assert all(known < count <= most for count in tried)


def test_nothing_larger_than_twice_what_fits_is_tried() -> None:
    tried: list[int] = []
    largest(holding(20, tried), 2, 256)
    assert max(tried) == 32  # 16 was the largest that had been known to fit


def test_an_estimate_goes_on_along_the_line_through_two_batches() -> None:
    # 100 MiB, and 50 an image: 4 images take 300, 8 take 500; nine tenths of 2000 hold 34.
    price, count = estimate(4, 300 * MIB, 500 * MIB, 2000 * MIB) or (0, 0)
    assert (price, count) == (50 * MIB, (1800 - 100) // 50)


def test_without_growth_there_is_no_estimate() -> None:
    assert estimate(1, 300 * MIB, 300 * MIB, 2000 * MIB) is None


def test_the_batch_of_the_spec_has_been_seen_to_fit() -> None:
    assert estimate(4, 300 * MIB, 500 * MIB, 310 * MIB) == (50 * MIB, 4)


def test_images_are_repeated_up_to_the_count() -> None:
    [[batch]] = steps_of(tiny_job(train={"batch_size": 2}), 1)
    more = repeated(batch, 5)
    for domain, images in batch.on(torch.device("cpu")).items():
        torch.testing.assert_close(more.real[domain], images[[0, 1, 0, 1, 0]], rtol=0, atol=0)
        first, second = batch.labels[domain]
        assert more.labels[domain] == [first, second, first, second, first]


def test_a_dry_run_on_a_cpu_tells_it_from_two_batches() -> None:
    """At 128 px the images of a step outweigh what importing torch once took."""
    job = tiny_job(data={"size": 128, "train": 8}, train={"batch_size": 2})
    before, room = memory.peak(job.device), memory.room()
    assert before is not None and room is not None
    [line] = [line for line in dry_run(job) if line.startswith("largest batch:")]
    after = memory.peak(job.device)
    assert after is not None
    found = re.search(r"batches of 2 and 4 took \(([\d,]+) MiB an image\)", line)
    if found:
        assert "8 or more images" in line  # an epoch holds no more
        assert 0 < int(found[1].replace(",", "")) <= (after - before) / 2 / MIB + 1
    else:  # other tests of this process took more before
        assert line == "largest batch: not known, 2 and 4 images took as much"


def test_a_host_that_is_nearly_full_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    job = tiny_job()
    peak = memory.peak(job.device) or 0
    monkeypatch.setattr(memory, "room", lambda: peak + 10 * MIB)

    def never(*_: Any) -> dict[str, Tensor]:
        raise AssertionError

    line = say_largest(job, never, steps_of(job, 1)[0], 1)  # type: ignore[arg-type]
    assert "may be too few" in line


def test_a_gpu_is_filled_until_it_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    """A GPU that holds 5 images of each domain, made of a CPU."""
    job = tiny_job(train={"compile": False})
    sizes: list[int] = []

    def limited(self: Any, x: Tensor) -> Tensor:
        sizes.append(len(x))
        if len(x) > 10:  # translation and identity are one batch
            raise torch.OutOfMemoryError("CUDA out of memory")
        y: Tensor = self.layers(x)
        return y

    generator = type(next(iter(job.method.generators.values())))
    monkeypatch.setattr(generator, "forward", limited)
    monkeypatch.setattr(torch.cuda, "synchronize", lambda device: None)
    training = TrainingStep(job)
    line = largest_batch._tried(job, training, steps_of(job, 1)[0], 1)
    assert line == "largest batch: 5 images of each domain fit on cpu; 6 do not"
