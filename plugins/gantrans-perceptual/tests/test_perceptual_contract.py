from __future__ import annotations

from collections.abc import Callable

import pytest

SMALL = {"weights": "random", "network": "squeezenet1_1"}
SETTINGS = {
    "loss/vgg": {"weights": "random", "layers": {"relu1_2": 1.0, "relu2_1": 0.5}},
    "loss/lpips": SMALL,
    "metric/lpips": SMALL,
}


@pytest.mark.gantrans("gantrans-perceptual", settings=SETTINGS)
def test_components_keep_the_contract(component_check: Callable[[], None]) -> None:
    component_check()
