from __future__ import annotations

import os

import pytest
import torch

from gantrans.cli.translating import Pace, threads_for
from gantrans.training.distributed import Ranks


@pytest.mark.parametrize(
    ("device", "cores", "here", "threads"),
    [
        ("cpu", 64, 1, 2),
        ("cuda", 2, 1, 2),
        ("cuda", 6, 1, 6),
        ("cuda", 64, 1, 8),
        ("cuda", 64, 16, 4),
        ("cuda", 4, 8, 2),
    ],
)
def test_a_gpu_leaves_its_share_of_the_cores_to_files(monkeypatch, device, cores, here, threads):
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    assert threads_for(torch.device(device), Ranks(0, here, (0, here))) == threads


def test_the_pace_says_how_far_a_large_image_is_until_it_is_done():
    pace = Pace()
    pace.look(0.257)
    assert str(pace) == "26% of a large image"
    pace(1)
    assert str(pace).endswith(" images/s")
