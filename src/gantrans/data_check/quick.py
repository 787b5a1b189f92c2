"""The quick part, at the start of a run: counts, and the headers of some images."""

from __future__ import annotations

import time
from pathlib import Path

from gantrans.api.image import IMAGE_SUFFIXES
from gantrans.data_check.facts import Collection, ImageFacts
from gantrans.data_check.header import read_header
from gantrans.data_check.look import reason
from gantrans.data_check.plan import Part, Plan
from gantrans.data_check.reading import quiet_about_large_ones

SECONDS = 1.0
"""That all headers may take; a slow disk shows fewer of them in it."""
LOOKED_AT = 256
"""Images of each split and domain whose headers are read, evenly spread."""


def quick_look(plan: Plan, needs: tuple[int, int], seconds: float = SECONDS) -> Collection:
    """What can be known at once.

    Args:
        plan: the data set.
        needs: of the networks: pixels of each side, and of what each has to be a multiple.
        seconds: that reading headers may take.
    """
    share = seconds / max(1, len(plan.parts))
    with quiet_about_large_ones():
        groups = [
            part.group(_headers(part, time.monotonic() + share), others=False)
            for part in plan.parts
        ]
    return Collection(groups, plan.paired, plan.repeat, *needs, whole=False)


def _headers(part: Part, until: float) -> list[ImageFacts]:
    """Of image files; those of other sources would have to be decoded, or drawn."""
    found, count = list[ImageFacts](), min(LOOKED_AT, len(part.source))
    for n in range(count):
        place = n * len(part.source) // count
        origin = part.source.origin(place)
        if not isinstance(origin, Path) or origin.suffix.lower() not in IMAGE_SUFFIXES:
            return found
        found.append(_header(part.source.label(place), origin))
        if time.monotonic() > until:
            break
    return found


def _header(label: str, path: Path) -> ImageFacts:
    try:
        header = read_header(path)
    except Exception as error:  # of damaged files Pillow raises whatever comes up
        return ImageFacts(label, error=reason(error))
    return ImageFacts(
        label,
        size=header.size,
        stored=header.stored,
        turned=header.turned,
        several=header.several,
    )
