from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from gantrans.training.health.probe import variation_of_sheets

REAL = list(torch.rand(4, 3, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1)


def method(sheet: torch.Tensor) -> Any:
    return SimpleNamespace(networks={}, sheets=lambda networks, count: {"from noise": sheet})


def test_what_is_drawn_like_real_images_varies_as_they_do_and_one_picture_not_at_all() -> None:
    alike = variation_of_sheets(method(torch.stack(REAL)), {"b": REAL})
    assert alike == {"b": pytest.approx(1.0)}
    one = variation_of_sheets(method(REAL[0].expand(4, 3, 16, 16)), {"b": REAL})
    assert one == {"b": pytest.approx(0.0, abs=1e-6)}


def test_real_images_that_are_all_alike_or_only_one_tell_nothing() -> None:
    drawn = method(torch.stack(REAL))
    assert variation_of_sheets(drawn, {"b": REAL[:1]}) == {}
    assert variation_of_sheets(drawn, {"b": [REAL[0]] * 4}) == {}
