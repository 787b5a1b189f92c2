"""How many images there are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gantrans.data_check.facts import Collection, Group
from gantrans.data_check.finding import Finding, plural

FEW = 100
"""Images of a domain in an epoch; papers have some hundreds to some thousands."""
FEW_TESTED = 20
"""Test images, below which a distance between sets of images is mostly chance."""
UNBALANCED = 5
"""Times that a domain may be larger than the other."""


def counts(collection: Collection) -> Iterator[Finding]:
    """Few, none to test on, many more of one domain than of the other."""
    train, test = collection.of("train"), collection.of("test")
    few = [group for group in train if 0 < group.total * collection.repeat < FEW]
    if few:
        yield Finding(
            "few_images",
            "warning",
            f"there are few training images: {_listed(few)}",
            f"fewer than {FEW} are soon known by heart, and translations of others get bad",
            "add images; crop them at random, mirror and rotate them (data.transform), set "
            "data.repeat; or train on single images with the method cut",
            count=sum(group.total for group in few),
        )
    if len(train) == 2 and all(group.total for group in train):
        small, large = sorted(train, key=lambda group: group.total)
        if large.total > UNBALANCED * small.total:
            yield Finding(
                "unbalanced",
                "warning",
                f"{large.called} has {plural(large.total, 'image')}, {small.called} has "
                f"{small.total:,}: {large.total / small.total:.0f} times as many",
                f"an epoch shows every image of {small.name} as many times: its discriminator "
                "learns them by heart",
                f"add images of {small.name}, or take fewer of {large.name} (data.limit)",
                count=large.total,
            )
    empty = [group.name for group in test if not group.total]
    if empty:
        yield Finding(
            "no_test_images",
            "note",
            f"there are no test images of {' and '.join(empty)}",
            "no metric compares translations with real images, so the best checkpoint cannot be "
            "chosen by one; samples are drawn from training images",
            f"keep some apart, such as {FEW_TESTED} to 100 of each domain",
        )
    few = [group for group in test if 0 < group.total < FEW_TESTED]
    if few and not all(group.total == 1 for group in collection.groups):
        yield Finding(
            "few_test_images",
            "note",
            f"there are few test images: {_listed(few)}",
            "metrics on so few differ from one choice of images to the next",
            f"keep {FEW_TESTED} or more apart",
            count=sum(group.total for group in few),
        )
    for group in collection.groups:
        if group.ignored:
            others = ", ".join(
                f"{n} {suffix or 'without a suffix'}" for suffix, n in group.ignored.items()
            )
            yield Finding(
                "ignored_files",
                "note",
                f"{plural(sum(group.ignored.values()), 'file')} of {group.called} "
                f"{'is' if sum(group.ignored.values()) == 1 else 'are'} not taken for images: "
                f"{others}",
                "they are not used",
                "convert them if they are images",
                count=sum(group.ignored.values()),
            )


def _listed(groups: Sequence[Group]) -> str:
    return ", ".join(f"{group.total:,} of {group.name}" for group in groups)
