"""Whether a video goes on to its end: some formats do not say that they were cut off."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from av import Packet
    from av.container import InputContainer
    from av.stream import Stream

SPARE = Fraction(1, 2)
"""Seconds that may be missing: formats and programs count the end of a video in several ways."""


class Ending:
    """Follows how far a video was read.

    Args:
        given: the video. Where it has no length of its own, or more than one stream of pictures
            and audio, which are not read and may last longer, nothing is known of its end.
    """

    def __init__(self, given: InputContainer) -> None:
        read = 1 + len(given.streams.audio)
        known = given.duration is not None and len(given.streams) == read
        self.length = _length(given) if known else None
        """Seconds that the file says it has."""
        self.reached = Fraction(0)
        """Seconds that were read."""
        self._longest = Fraction(0)
        self._begun = False

    def add(self, packet: Packet[Stream]) -> None:
        """The next packet, of pictures or audio."""
        if packet.pts is None:
            return
        if not self._begun:  # times may begin at any number
            self._begun, self.reached = True, packet.pts * packet.time_base
        end = (packet.pts + (packet.duration or 0)) * packet.time_base
        self._longest = max(self._longest, end - self.reached)
        self.reached = max(self.reached, end)

    @property
    def is_missing(self) -> bool:
        """Whether there is more to come, beyond what a last picture may stand for."""
        return self.length is not None and self.length - self.reached > SPARE + self._longest


def _length(given: InputContainer) -> Fraction:
    length, video = Fraction(given.duration or 0, 1_000_000), given.streams.video[0]
    if given.format.name == "avi" and video.average_rate:  # its duration is of what is there
        length = max(length, video.frames / video.average_rate)
    return length
