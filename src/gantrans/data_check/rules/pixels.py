"""Images without a picture: unreadable, or nearly constant."""

from __future__ import annotations

from collections.abc import Iterator

from gantrans.data_check.facts import Collection
from gantrans.data_check.finding import Finding, of_files, share

EPSILON = 1e-5
"""What torch's InstanceNorm2d adds to a variance before it divides by its root."""
LEAST_CONTRAST = 0.02
"""Standard deviation in [-1, 1], two and a half of 255 gray levels, below which an image counts as
nearly constant. Instance norm (Ulyanov et al. 2016) divides by sqrt(variance + EPSILON): it scales
such an image up 49 times or more, 316 times at most, where a photograph is scaled up 2 times. One
gray level of rounding or JPEG noise, 0.008, then is 0.38 standard deviations."""


def unreadable(collection: Collection) -> Iterator[Finding]:
    """Files that are missing, truncated, too large for Pillow, or no images."""
    for group in collection.groups:
        bad = [image for image in group.images if image.error]
        if bad:
            when = "the first of them" if group.trained_on else "the first evaluation"
            yield Finding(
                "unreadable",
                "error",
                f"{share(len(bad), len(group.images))} of {group.called} cannot be read",
                f"a run stops at {when}",
                "repair these files or take them out",
                [image.label for image in bad],
                count=len(bad),
                reasons=[image.error for image in bad],
            )


def constant(collection: Collection) -> Iterator[Finding]:
    """Images of next to one value."""
    for group in collection.groups:
        flat = [
            image
            for image in group.images
            if image.contrast is not None and image.contrast < LEAST_CONTRAST
        ]
        if flat:
            least = min(image.contrast or 0.0 for image in flat)
            gain = (least**2 + EPSILON) ** -0.5
            yield of_files(
                "nearly_constant",
                "warning" if group.trained_on else "note",
                f"{share(len(flat), len(group.images))} of {group.called} are nearly constant: "
                f"standard deviation below {LEAST_CONTRAST} in [-1, 1], down to {least:.4f}",
                f"instance norm makes their rounding errors a picture: it divides by "
                f"sqrt(variance + {EPSILON:g}), here it scales up to {gain:.0f} times; "
                + (
                    "gradients grow as much, and training gets unsteady"
                    if group.trained_on
                    else "metrics count what becomes of them as they count any translation"
                ),
                "take them out; if they are scans or tiles with empty parts, crop or choose the "
                "parts that show something",
                [image.label for image in flat],
            )
