"""Sizes and proportions, before and after the spec's transform."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from gantrans.data_check.facts import Collection, Group, ImageFacts
from gantrans.data_check.finding import Finding, of_files, plural, share

LONGEST = 3.0
"""Longer by shorter side, above which a square crop shows a small part of an image."""
BLURRED = 1.5
"""Times an image may be enlarged before it looks blurred beside the others."""
APART = 1.15
"""Times that proportions may differ before an image brought to one shape looks distorted."""


def sizes(collection: Collection) -> Iterator[Finding]:
    """What does not fit, does not stay as it is, or is unlike the rest."""
    for group in collection.groups:
        known = [image for image in group.readable if image.size]
        if not known:
            continue
        if group.transform is not None:
            yield from _too_small(group, known, collection)
            yield from _unequal(group, known, collection.multiple)
            yield from _enlarged(group, known)
            yield from _distorted(group, known)
        yield from _oblong(group, known)


def _after(group: Group, image: ImageFacts, *, zoomed: bool = False) -> tuple[int, int]:
    """Width and height after the resize, and the smallest zoom if there is one and it counts."""
    assert group.transform is not None and image.size is not None
    zoom = group.transform.zoom
    if zoomed and zoom is not None and group.trained_on:
        return group.transform.zoomed(*image.size, zoom[0])
    return group.transform.resized(*image.size)


def _too_small(group: Group, known: list[ImageFacts], collection: Collection) -> Iterator[Finding]:
    assert group.transform is not None
    crop = group.transform.crop
    least = crop or collection.least
    small = [image for image in known if min(_after(group, image, zoomed=True)) < least]
    if small:
        smallest = min((_after(group, image, zoomed=True) for image in small), key=min)
        what = f"the crop of {least}" if crop else f"the {least} pixels that the networks need"
        yield of_files(
            "too_small",
            "error",
            f"{share(len(small), len(known))} of {group.called} are smaller than {what} after the "
            f"transform, down to {smallest[0]} x {smallest[1]} pixels",
            "a run stops at the first of them",
            f"set data.transform.resize (by its shorter side) to {least} or more"
            + (", or data.transform.crop to less" if crop else "")
            + ", or take them out",
            [image.label for image in small],
        )


def _unequal(group: Group, known: list[ImageFacts], multiple: int) -> Iterator[Finding]:
    """Without a crop, training images keep the sizes that the resize gives them."""
    assert group.transform is not None
    if group.transform.crop is not None or not group.trained_on:
        return
    found = Counter(_after(group, image) for image in known)
    (width, height), most = found.most_common(1)[0]
    if len(found) > 1:
        others = [image for image in known if _after(group, image) != (width, height)]
        yield of_files(
            "unequal_sizes",
            "error",
            f"{group.called} has {plural(len(found), 'size')} after the transform: {most:,} of "
            f"{width} x {height} pixels, {len(others):,} others",
            "images of a batch must have one size: a run stops",
            "set data.transform.crop, and resize so that the crop fits in every image",
            [image.label for image in others],
        )
    elif width % multiple or height % multiple:
        yield of_files(
            "no_multiple",
            "error",
            f"the images of {group.called} are {width} x {height} pixels, no multiple of "
            f"{multiple}",
            "the networks halve the sides that often: a run does not begin",
            f"set data.transform.crop to a multiple of {multiple}",
            [],
        )


def _enlarged(group: Group, known: list[ImageFacts]) -> Iterator[Finding]:
    times = {
        image.label: max(
            new / old for new, old in zip(_after(group, image), image.size or (1, 1), strict=True)
        )
        for image in known
    }
    large = sorted((label for label in times if times[label] > BLURRED), key=lambda x: -times[x])
    if large:
        yield of_files(
            "enlarged",
            "warning" if group.trained_on else "note",
            f"{share(len(large), len(known))} of {group.called} are enlarged more than {BLURRED:g} "
            f"times by the resize, up to {times[large[0]]:.1f} times",
            "they are blurred, which a discriminator notices before anything else: the generator "
            "learns blur or sharpness instead of the domain"
            if group.trained_on
            else "they are blurred, and metrics compare translations with blurred images",
            "set data.transform.resize and crop to less, or take the small images out",
            large,
        )


def _distorted(group: Group, known: list[ImageFacts]) -> Iterator[Finding]:
    assert group.transform is not None
    changed = []
    for image in known:
        (width, height), (old_width, old_height) = _after(group, image), image.size or (1, 1)
        times = (width / height) / (old_width / old_height)
        if max(times, 1 / times) > APART:
            changed.append((max(times, 1 / times), image.label))
    if changed and group.transform.resize is not None and not _keeps(group):
        changed.sort(reverse=True)
        yield of_files(
            "distorted",
            "warning" if group.trained_on and len(changed) < len(known) else "note",
            f"{share(len(changed), len(known))} of {group.called} change their proportions in the "
            f"resize, up to {changed[0][0]:.2f} times",
            "things in them look stretched, and translations of other images do not"
            if group.trained_on
            else "things in them look stretched, and metrics compare translations with them",
            'keep the proportions: data.transform.resize_mode = "shorter", with a crop',
            [label for _, label in changed],
        )


def _keeps(group: Group) -> bool:
    """Whether the resize keeps the proportions, but for a rounding."""
    assert group.transform is not None
    return isinstance(group.transform.resize, int) and group.transform.resize_mode != "exact"


def _oblong(group: Group, known: list[ImageFacts]) -> Iterator[Finding]:
    ratios = {i.label: max(i.size) / min(i.size) for i in known if i.size and min(i.size) > 0}
    long = sorted((label for label in ratios if ratios[label] > LONGEST), key=lambda x: -ratios[x])
    if long:
        yield of_files(
            "extreme_proportions",
            "warning" if group.trained_on and len(long) < len(known) else "note",
            f"{share(len(long), len(known))} of {group.called} are more than {LONGEST:g} times as "
            f"long as wide, up to {ratios[long[0]]:.1f} times",
            "a square crop shows a small part of them, often one without what the domain is about"
            + ("" if group.trained_on else "; metrics look at that part alone"),
            "look at them; cut them into parts, or take them out",
            long,
        )
