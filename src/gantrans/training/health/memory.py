"""What earlier looks left behind: numbers that one look alone does not give."""

from __future__ import annotations

from collections import defaultdict, deque
from statistics import median

import torch
from torch import Tensor

from gantrans.training.health import quantities as q
from gantrans.training.health.observation import Look

IMAGES, FEWEST = 16, 8
"""How many images are compared with each other, and from how many on."""

PATTERNS, NORMS, FIRST_NORMS = 10, 100, 10
"""How many of the newest lattices and norms count, and from how many norms on one is usual."""


class Memory:
    """The newest thumbnails, lattices and gradients, by place; bounded, however long the run."""

    def __init__(self) -> None:
        self._fakes = _kept(IMAGES)
        self._reals = _kept(IMAGES)
        self._lattices = _kept(PATTERNS)
        self._norms: dict[str, deque[float]] = defaultdict(lambda: deque(maxlen=NORMS))

    def images(self, place: str, look: Look) -> dict[str, float]:
        """variation: how much translations differ from each other, 1 being as real images do.
        checkerboard: the strength of the pattern that all of them share, in levels of 255."""
        fakes, reals, lattices = (
            kept[place] for kept in (self._fakes, self._reals, self._lattices)
        )
        fakes.extend(look.fake)
        reals.extend(look.real)
        lattices.append(look.lattice)
        numbers = {"checkerboard": float(q.levels(torch.stack(list(lattices)).mean(0)))}
        if len(fakes) >= FEWEST:
            usual = float(q.variation(torch.stack(list(reals))))
            if usual > 0:
                numbers["variation"] = float(q.variation(torch.stack(list(fakes)))) / usual
        return numbers

    def growth(self, network: str, size: float) -> float | None:
        """How many times a gradient is as large as the median of those before; None: too few."""
        before = self._norms[network]
        usual = median(before) if len(before) >= FIRST_NORMS else 0.0
        before.append(size)
        return size / usual if usual else None


def _kept(count: int) -> dict[str, deque[Tensor]]:
    return defaultdict(lambda: deque(maxlen=count))
