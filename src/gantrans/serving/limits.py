"""What the server takes."""

from __future__ import annotations

import math
from dataclasses import dataclass

from gantrans.errors import UsageError


@dataclass(frozen=True)
class Limits:
    """Of a request, and of how many there may be.

    Args:
        upload: bytes of an image file.
        pixels: of an image; told by the head of its file, before anything is decoded.
        seconds: for an upload; for the wait of a request for its turn; for its translation; and for
            the client to read the answer.
        queue: requests that may wait while one is translated.

    Raises:
        UsageError: if one of them lets nothing through.
    """

    upload: int = 32 * 2**20
    pixels: int = 25_000_000
    seconds: float = 120
    queue: int = 8

    def __post_init__(self) -> None:
        if not 0 < self.seconds < math.inf:
            raise UsageError(f"--timeout {self.seconds:g} is no limit: give seconds above 0")
        if self.pixels < 1:
            raise UsageError(f"--max-pixels {self.pixels} lets no image through: give more")
        if self.queue < 0:
            raise UsageError(f"--queue {self.queue} is no number of requests: give 0 or more")
