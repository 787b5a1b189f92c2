"""How files keep their pixels: depths, palettes, transparency, CMYK, EXIF, several images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from gantrans.data_check.facts import Collection, Group
from gantrans.data_check.finding import Finding, of_files, share


def storage(collection: Collection) -> Iterator[Finding]:
    """What conversion to 8-bit gray or RGB does to them."""
    for group in collection.groups:
        yield from _kinds(group)
        turned = [image.label for image in group.readable if image.turned]
        if turned:
            yield of_files(
                "turned",
                "note",
                f"{share(len(turned), len(group.images))} of {group.called} are stored turned, "
                "with their orientation in EXIF",
                "they are turned upright when they are read",
                "nothing, if they look right in the grid; some programs that copy images drop EXIF",
                turned,
            )
        several = [image.label for image in group.readable if image.several]
        if several:
            yield of_files(
                "several_frames",
                "note",
                f"{share(len(several), len(group.images))} of {group.called} are files of several "
                "images: animations, or TIFF with pages",
                "only the first image of each is used",
                "save the others as files of their own, if they are meant too",
                several,
            )


def _kinds(group: Group) -> Iterator[Finding]:
    known = [image for image in group.readable if image.stored]
    deep = [image.label for image in known if _is_deep(image.stored)]
    if deep:
        yield of_files(
            "deep",
            "warning",
            f"{share(len(deep), len(known))} of {group.called} have 16 bits a channel or more",
            "they are reduced to 8 bits; what differs in the lower ones is lost",
            "if it matters, use the data set `scientific` (plugin gantrans-scientific), which "
            "keeps every bit",
            deep,
        )
    inks = [image.label for image in known if image.stored == "CMYK"]
    if inks:
        yield of_files(
            "cmyk",
            "warning",
            f"{share(len(inks), len(known))} of {group.called} are stored in inks (CMYK)",
            "they are converted without their colour profile: colours are off",
            "convert them to RGB with a program that knows profiles",
            inks,
        )
    clear = [image.label for image in known if "alpha" in image.stored]
    if clear:
        yield of_files(
            "transparent",
            "note",
            f"{share(len(clear), len(known))} of {group.called} may have transparent pixels",
            "these are laid over white, which becomes a part of what is learned",
            "put them on the background that you want",
            clear,
        )
    kinds = Counter(image.stored for image in known)
    if len(kinds) > 1:
        listed = ", ".join(f"{n:,} {kind}" for kind, n in kinds.most_common())
        rest = [image.label for image in known if image.stored != kinds.most_common(1)[0][0]]
        yield of_files(
            "several_kinds",
            "note",
            f"{group.called} is stored in {len(kinds)} ways: {listed}",
            "all are converted to one; a discriminator notices traces such as dithered palettes",
            "nothing, unless one way is typical of one domain only",
            rest,
        )


def _is_deep(stored: str) -> bool:
    return "16 bit" in stored or "32 bit" in stored
