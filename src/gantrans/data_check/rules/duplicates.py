"""Images that are there more than once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gantrans.data_check.alike import Together, find_alike
from gantrans.data_check.facts import Collection
from gantrans.data_check.finding import Finding, Severity, of_groups, plural, share

MANY = 0.05
"""Share of a split that duplicates may be before it is worth a warning."""

_PIXELS, _LOOK = "of equal pixels", "that look alike"


def duplicates(collection: Collection) -> Iterator[Finding]:
    """Between train and test, between the domains, within a domain: each group in its worst."""
    if not collection.whole:
        return
    alike = find_alike(collection)
    if alike.pairs:
        yield of_groups(
            "pair_of_one_image",
            "warning",
            f"{plural(len(alike.pairs), 'pair')} of one image twice: both domains have the same "
            "pixels",
            "these pairs teach the generator to change nothing",
            "replace the wrong image of each pair, or take the pairs out",
            [[place.label for place in pair] for pair in alike.pairs],
        )
    told = set[str]()
    for kind, groups, how in (("", alike.equal, _PIXELS), ("near_", alike.near, _LOOK)):
        leaks, across, within = _by_worst(groups, collection)
        tested = {label for group in leaks for label in _tested(group)} - told
        if tested:
            yield _leak(kind, leaks, how, len(tested))
            told |= tested
        if across:
            yield _across(kind, across, how)
        yield from _within(kind, within, how, collection)


def _by_worst(
    groups: Sequence[Together], collection: Collection
) -> tuple[list[Together], list[Together], list[Together]]:
    leaks, across, within = list[Together](), list[Together](), list[Together]()
    for group in groups:
        if _tested(group):
            if not _one_picture(collection):
                leaks.append(group)
        elif len({place.domain for place in group}) > 1 and not _whole_pairs(group, collection):
            across.append(group)
        else:
            within.append(group)
    return leaks, across, within


def _tested(group: Together) -> list[str]:
    """The test images of it whose own domain is trained on one of it."""
    trained = {place.domain for place in group if place.split == "train"}
    return [place.label for place in group if place.split == "test" and place.domain in trained]


def _one_picture(collection: Collection) -> bool:
    """Training on a picture alone and testing on it is no leak, but what one wants of it."""
    return all(group.total <= 1 for group in collection.groups)


def _whole_pairs(group: Together, collection: Collection) -> bool:
    """Whether these are whole pairs of paired data, such as one scene at two times."""
    sides = [
        {(place.split, place.index) for place in group if place.domain == domain} for domain in "ab"
    ]
    return sides[0] == sides[1] and all(split in collection.paired for split, _ in sides[0])


def _leak(kind: str, groups: Sequence[Together], how: str, tested: int) -> Finding:
    return of_groups(
        f"{kind}leak",
        "warning" if kind else "error",
        f"{plural(tested, 'test image')} {'are' if tested > 1 else 'is'} among the training images "
        f"too ({plural(len(groups), 'group')} {how})",
        "metrics on test images come out too good, and the best checkpoint is chosen wrongly",
        "take them out of one of the two; of one recording, keep all in the same split",
        _labels(groups),
    )


def _across(kind: str, groups: Sequence[Together], how: str) -> Finding:
    means = (
        "one scene in both domains does no harm; if it is one domain's picture that strayed into "
        "the other, it teaches the discriminator the wrong thing"
        if kind
        else "the discriminator learns to call the same picture real in both domains"
    )
    return of_groups(
        f"{kind}in_both_domains",
        "note" if kind else "warning",
        f"{plural(len(groups), 'group')} of images {how} in both domains",
        means,
        "look at them, and take out those that are in the wrong domain",
        _labels(groups),
    )


def _within(
    kind: str, groups: Sequence[Together], how: str, collection: Collection
) -> Iterator[Finding]:
    for group in collection.groups:
        here = [
            [
                place
                for place in places
                if (place.split, place.domain) == (group.split, group.domain)
            ]
            for places in groups
        ]
        here = [places for places in here if len(places) > 1]
        if here:
            spare = sum(len(places) - 1 for places in here)
            many = group.trained_on and spare > MANY * len(group.images)
            severity: Severity = "warning" if many else "note"
            yield of_groups(
                f"{kind}duplicates",
                severity,
                f"{share(spare, len(group.images))} of {group.called} repeat another "
                f"({plural(len(here), 'group')} {how})",
                "training sees these more often than the others, and learns them by heart first"
                if group.trained_on
                else "metrics count these more often than the others",
                "keep one of each group" + (", unless they are meant as they are" if kind else ""),
                _labels(here),
            )


def _labels(groups: Sequence[Together]) -> list[list[str]]:
    return [[place.label for place in group] for group in groups]
