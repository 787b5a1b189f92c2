from __future__ import annotations

from collections.abc import Callable

import pytest

SMALL = {"size": 32, "latent": 8, "width": 4, "max_width": 8, "mapping_layers": 2}


@pytest.mark.gantrans(
    "gantrans-noise",
    settings={
        "method/unconditional": SMALL,
        "discriminator/residual": {"width": 4, "max_width": 8, "blocks": 2},
    },
)
def test_components_keep_the_contract(component_check: Callable[[], None]) -> None:
    component_check()
