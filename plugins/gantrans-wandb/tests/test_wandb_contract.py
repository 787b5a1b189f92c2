from __future__ import annotations

from collections.abc import Callable

import pytest


@pytest.mark.gantrans("gantrans-wandb")
def test_components_keep_the_contract(component_check: Callable[[], None]) -> None:
    component_check()
