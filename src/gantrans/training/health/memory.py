"""What earlier looks left behind: numbers that one look alone does not give."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from statistics import median

import torch
from torch import Tensor

from gantrans.training.health import quantities as q
from gantrans.training.health.observation import Look

KEPT = {"fake": 10, "real": 10, "gradient": 100}
"""How many of the newest count: patterns of translations and of real images, gradients."""

FIRST_GRADIENTS = 10
"""From how many gradients on one is usual."""


class Memory:
    """The newest patterns and gradients, by place; bounded, however long the run."""

    def __init__(self) -> None:
        self._kept: dict[str, dict[str, deque[Tensor]]] = {kind: {} for kind in KEPT}

    def checkerboard(self, place: str, look: Look) -> float | None:
        """How much stronger the pattern that all translations share is than that of real images.

        In levels of 255; None of small images.
        """
        if look.fake is None or look.real is None:
            return None
        fakes, reals = self._keep("fake", place, look.fake), self._keep("real", place, look.real)
        return float(q.levels(fakes.mean(0)) - q.levels(reals.mean(0)))

    def growth(self, network: str, size: float) -> float | None:
        """How many times a gradient is as large as the median of those before; None: too few."""
        before = [float(one) for one in self._kept["gradient"].get(network, ())]
        self._keep("gradient", network, torch.tensor(size, dtype=torch.float64))
        usual = median(before) if len(before) >= FIRST_GRADIENTS else 0.0
        return size / usual if usual else None

    def state(self) -> dict[str, Tensor]:
        """What a resumed run needs: <kind>/<place>, the oldest first."""
        return {
            f"{kind}/{place}": torch.stack(list(kept))
            for kind, places in self._kept.items()
            for place, kept in places.items()
        }

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Take back what `state` gave."""
        for key, tensors in state.items():
            kind, _, place = key.partition("/")
            self._kept[kind][place] = deque(tensors, maxlen=KEPT[kind])

    def _keep(self, kind: str, place: str, one: Tensor) -> Tensor:
        """All that are kept now, stacked."""
        kept = self._kept[kind].setdefault(place, deque(maxlen=KEPT[kind]))
        kept.append(one)
        return torch.stack(list(kept))
