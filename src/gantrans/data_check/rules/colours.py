"""Gray pictures among those in colour, and the other way round."""

from __future__ import annotations

from collections.abc import Iterator

from gantrans.data_check.facts import Collection, Group
from gantrans.data_check.finding import Finding, Severity, of_files, share

MANY = 0.01
"""Share of a domain that may be unlike the rest before it is worth a warning."""


def colours(collection: Collection) -> Iterator[Finding]:
    """Of domains that are trained on in colour."""
    all_gray = []
    for group in collection.groups:
        known = [image for image in group.readable if image.colourful is not None]
        gray = [image.label for image in known if not image.colourful]
        coloured = [image.label for image in known if image.colourful]
        if known and not coloured:
            all_gray.append(group)
        elif gray and len(gray) <= len(coloured):
            many = group.trained_on and len(gray) > MANY * len(known)
            severity: Severity = "warning" if many else "note"
            yield of_files(
                "gray_among_colour",
                severity,
                f"{share(len(gray), len(known))} of {group.called} show no colour",
                f"the discriminator takes gray for a mark of {group.name}, and translations lose "
                "colour"
                if group.trained_on
                else _measured("gray"),
                "take them out",
                gray,
            )
        elif gray:
            yield of_files(
                "colour_among_gray",
                "warning" if group.trained_on else "note",
                f"{share(len(coloured), len(known))} of {group.called} show colour, the others are "
                "gray",
                "translations get spots of colour" if group.trained_on else _measured("coloured"),
                f"convert them to gray, or say so of the whole domain: {_channels(group)}",
                coloured,
            )
    for group in all_gray:
        if group.trained_on:
            yield Finding(
                "all_gray",
                "note",
                f"all {len(group.images):,} images of {group.called} are gray, and are trained on "
                "in colour",
                "networks spend effort on three equal channels, and may tint them",
                f"say so in the spec: {_channels(group)}",
                count=len(group.images),
            )


def _measured(which: str) -> str:
    return (
        f"metrics count the {which} ones too, which say little of how well the rest is translated"
    )


def _channels(group: Group) -> str:
    a, b = (1, 3) if group.domain == "a" else (3, 1)
    return f"data.channels = {{ a = {a}, b = {b} }}, or 1 for both"
