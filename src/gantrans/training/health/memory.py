"""What earlier looks left behind: numbers that one look alone does not give."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from statistics import median

import torch
from torch import Tensor

from gantrans.training.health import quantities as q
from gantrans.training.health.observation import Look

KEPT = {"fake": 16, "real": 16, "lattice": 10, "gradient": 100}
"""How many of the newest of each kind count."""

FEWEST, FIRST_GRADIENTS = 8, 10
"""From how many images on they are compared, and from how many gradients on one is usual."""


class Memory:
    """The newest thumbnails, lattices and gradients, by place; bounded, however long the run."""

    def __init__(self) -> None:
        self._kept: dict[str, dict[str, deque[Tensor]]] = {kind: {} for kind in KEPT}

    def images(self, place: str, look: Look) -> dict[str, float]:
        """variation: how much translations differ from each other, 1 being as real images do.
        checkerboard: the strength of the pattern that all of them share, in levels of 255."""
        fakes = self._keep("fake", place, look.fake[0])
        reals = self._keep("real", place, look.real[0])
        numbers = {
            "checkerboard": float(q.levels(self._keep("lattice", place, look.lattice).mean(0)))
        }
        if len(fakes) >= FEWEST and (usual := float(q.variation(reals))) > 0:
            numbers["variation"] = float(q.variation(fakes)) / usual
        return numbers

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
