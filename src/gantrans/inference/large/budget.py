"""How much memory a picture may take: what was allowed, or what is free."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from gantrans.errors import UsageError
from gantrans.inference import memory
from gantrans.inference.memory import mebibytes

SHARE = 0.8
"""Of what is free, the part that is used where nothing is said."""

CERTAIN = 0.9
"""Of what is left below a limit, the part that is planned with: tiles are estimates."""

LEAST = 32 * 2**20
"""Bytes without which nothing can be done."""

TILES = {"cpu": 512 * 2**20, "cuda": 4 * 2**30}
"""Most bytes for tiles: on a processor larger ones are not faster."""


@dataclass(frozen=True)
class Budget:
    """Bytes that are left.

    Args:
        device: of the device that computes.
        host: of the host; the same ones if that is the device.
    """

    device: float
    host: float
    shared: bool

    def covers(self, needed: float) -> bool:
        """Whether the device has so many."""
        return needed <= self.device

    def shares(self, device: str, result: int) -> tuple[int, int]:
        """For tiles on the device, and for what is kept on the host beside a result of so many.

        Raises UsageError if that is next to nothing.
        """
        host = self.host - result
        tiles = min(TILES.get(device, TILES["cpu"]), host / 2 if self.shared else self.device)
        if not self.shared and tiles < LEAST / 2:
            raise UsageError(
                f"the memory that is allowed or free leaves "
                f"{mebibytes(max(tiles, 0))} on {device}: "
                "allow more, or use another device"
            )
        if tiles < LEAST / 2 or host < LEAST:
            raise UsageError(
                f"the memory that is allowed or free leaves {mebibytes(max(host, 0))} for this "
                f"picture beside its result of {mebibytes(result)}, and the process itself, which "
                f"holds {mebibytes(memory.held() or 0)}: allow more, or make the picture smaller"
            )
        return int(tiles), int(min(host - tiles if self.shared else host, 2**62))


def budget(device: torch.device, allowed: int | None) -> Budget:
    """What is left on this machine now.

    Args:
        device: that computes.
        allowed: bytes that this process may hold on it in all; None: a share of what is free.
    """
    room, held = memory.room(), memory.held() or 0
    host = math.inf if room is None else (room - held) * SHARE
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        mine, used = torch.cuda.memory_reserved(device), torch.cuda.memory_allocated(device)
        left = (free + mine - used) * SHARE if allowed is None else (allowed - used) * CERTAIN
        return Budget(left, host, shared=False)
    if allowed is not None:
        host = (allowed - held) * CERTAIN
    return Budget(host, host, shared=True)
