"""Each fault is made in facts, and found; a clean collection has no finding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import count
from typing import Any

import numpy as np
import pytest

from gantrans.api.dataset import Split
from gantrans.api.step import Domain
from gantrans.api.transform import DomainTransform
from gantrans.data_check.facts import Collection, Group, ImageFacts
from gantrans.data_check.finding import Finding
from gantrans.data_check.rules import findings

CROP = DomainTransform.model_validate({"resize": 72, "crop": 64})


def clean(number: int, label: str = "") -> ImageFacts:
    """Facts of an image like no other: its hash and its thumbnail are drawn."""
    rng = np.random.default_rng(number)
    return ImageFacts(
        label or f"{number}.png",
        size=(96, 80),
        stored="RGB",
        contrast=0.5,
        colourful=True,
        digest=number.to_bytes(16, "big"),
        dhash=int(rng.integers(2**64, dtype=np.uint64)),
        thumbnail=rng.integers(0, 256, 256, np.uint8).tobytes(),
    )


def group(
    split: Split, domain: Domain, images: Sequence[ImageFacts], transform: Any = CROP, **more: Any
) -> Group:
    name = {"a": "summer", "b": "winter"}[domain]
    return Group(split, domain, name, len(images), images, transform, **more)


def collection(**changed: Sequence[ImageFacts]) -> Collection:
    """120 + 120 to train on, 30 + 30 to test on; `train_a=...` takes the place of the first ones
    of a group."""
    numbers = count()
    groups = []
    for split, total in (("train", 120), ("test", 30)):
        for domain in ("a", "b"):
            images = [clean(next(numbers)) for _ in range(total)]
            first = list(changed.get(f"{split}_{domain}", ()))
            groups.append(group(split, domain, first + images[len(first) :]))  # type: ignore[arg-type]
    return Collection(groups)


def only(found: Collection) -> Finding:
    """The one finding."""
    [finding] = findings(found)
    return finding


def said(found: Collection) -> list[tuple[str, str]]:
    return [(finding.kind, finding.severity) for finding in findings(found)]


def test_a_clean_data_set_has_no_finding() -> None:
    assert findings(collection()) == []


def test_an_unreadable_image_is_an_error_with_its_reason() -> None:
    finding = only(collection(train_a=[ImageFacts("bad.png", error="truncated")]))
    assert (finding.kind, finding.severity, finding.count) == ("unreadable", "error", 1)
    assert list(finding.files) == ["bad.png"] and list(finding.reasons) == ["truncated"]
    assert "1 of 120 images (0.8 %) of summer (train)" in finding.text


@pytest.mark.parametrize("contrast", [0.0, 0.019])
def test_a_nearly_constant_image_is_told_with_what_instance_norm_does(contrast: float) -> None:
    finding = only(collection(train_b=[replace(clean(999, "flat.png"), contrast=contrast)]))
    assert (finding.kind, finding.severity) == ("nearly_constant", "warning")
    assert list(finding.files) == ["flat.png"]
    assert f"{1 / (contrast**2 + 1e-5) ** 0.5:.0f} times" in finding.means


def test_a_picture_of_low_contrast_is_none() -> None:
    assert findings(collection(train_b=[replace(clean(999), contrast=0.021)])) == []


def test_flat_pictures_are_no_duplicates_of_each_other() -> None:
    flat = [
        replace(clean(900 + n), dhash=None, thumbnail=bytes([n] * 256), contrast=0.0)
        for n in range(5)
    ]
    assert only(collection(train_a=flat)).kind == "nearly_constant"


def alike(image: ImageFacts, label: str) -> ImageFacts:
    """Another picture, three bits away."""
    digest = label.encode().rjust(16, b".")[-16:]
    assert image.dhash is not None
    return replace(image, label=label, digest=digest, dhash=image.dhash ^ 0b111)


def test_a_test_image_that_is_trained_on_is_an_error() -> None:
    finding = only(collection(train_a=[clean(777, "x.png")], test_a=[clean(777, "y.png")]))
    assert (finding.kind, finding.severity) == ("leak", "error")
    assert finding.groups == [["x.png", "y.png"]]
    assert "1 test image is" in finding.text


def test_a_test_image_that_looks_like_a_training_image_is_a_warning() -> None:
    one = clean(999, "x.png")
    finding = only(collection(train_a=[one], test_a=[alike(one, "y.png")]))
    assert (finding.kind, finding.severity) == ("near_leak", "warning")
    assert finding.groups == [["x.png", "y.png"]]


def test_a_test_image_that_the_other_domain_trains_on_is_none_of_the_leaked() -> None:
    one = clean(777, "x")
    again = [replace(one, label=label) for label in ("y", "z")]
    finding = only(collection(train_a=[one], test_a=again[:1], test_b=again[1:]))
    assert finding.kind == "leak" and "1 test image is" in finding.text
    assert finding.groups == [["x", "y", "z"]]


def test_an_image_in_both_domains_is_told_and_a_look_in_both_only_noted() -> None:
    one = clean(999, "x.png")
    assert said(collection(train_a=[one], train_b=[replace(one, label="y")])) == [
        ("in_both_domains", "warning")
    ]
    assert said(collection(train_a=[one], train_b=[alike(one, "y")])) == [
        ("near_in_both_domains", "note")
    ]


def test_duplicates_within_a_domain_are_a_warning_only_where_they_are_many() -> None:
    one = clean(999, "x.png")
    few = collection(train_a=[one, replace(one, label="y"), replace(one, label="z")])
    assert said(few) == [("duplicates", "note")]
    assert only(few).groups == [["x.png", "y", "z"]]
    assert "2 of 120 images" in only(few).text
    many = collection(train_a=[replace(one, label=str(n)) for n in range(8)])
    assert said(many) == [("duplicates", "warning")]
    assert said(collection(train_a=[one, alike(one, "y")])) == [("near_duplicates", "note")]


def paired(found: Collection) -> Collection:
    return replace(found, paired=frozenset({"train", "test"}))


def test_that_both_images_of_a_pair_look_alike_is_no_fault() -> None:
    one = clean(999, "x.png")
    pair = collection(train_a=[one], train_b=[alike(one, "y")])
    assert said(paired(pair)) == []
    elsewhere = collection(train_a=[one], train_b=[clean(5000), alike(one, "y")])
    assert said(paired(elsewhere)) == [("near_in_both_domains", "note")]


def test_a_pair_of_one_picture_twice_is_a_fault() -> None:
    one = clean(999, "x.png")
    pair = collection(train_a=[one], train_b=[replace(one, label="y")])
    assert said(paired(pair)) == [("pair_of_one_image", "warning")]


def test_a_scene_of_pairs_that_is_there_twice_is_a_duplicate_not_a_stray() -> None:
    one, other = clean(998, "a0"), clean(999, "b0")
    found = collection(
        train_a=[one, alike(one, "a1")], train_b=[alike(one, "b0"), replace(other, label="b1")]
    )
    assert ("near_in_both_domains", "note") in said(paired(found))
    twice = collection(train_a=[one, alike(one, "a1")], train_b=[other, alike(other, "b1")])
    assert said(paired(twice)) == [("near_duplicates", "note")] * 2


def test_one_picture_that_is_trained_and_tested_on_is_meant_so() -> None:
    crop = DomainTransform.model_validate({"crop": 64})
    groups = [
        group(split, domain, [clean(number)], crop)  # type: ignore[arg-type]
        for split in ("train", "test")
        for number, domain in enumerate("ab")
    ]
    assert said(Collection(groups, repeat=400)) == []


def sized(*sizes: tuple[int, int]) -> list[ImageFacts]:
    return [replace(clean(900 + n, f"s{n}"), size=size) for n, size in enumerate(sizes)]


def of_transform(images: Sequence[ImageFacts], needs: tuple[int, int] = (1, 1), **t: Any) -> Any:
    transform = DomainTransform.model_validate(t)
    fine = [clean(n) for n in range(120 - len(images))]
    groups = [group("train", "a", [*images, *fine], transform)]
    return Collection(groups, frozenset(), 1, *needs)


def test_images_smaller_than_the_crop_are_an_error() -> None:
    found = of_transform(sized((63, 200), (64, 64)), crop=64)
    finding = next(f for f in findings(found) if f.kind == "too_small")
    assert finding.severity == "error" and list(finding.files) == ["s0"]
    assert "the crop of 64" in finding.text and "63 x 200" in finding.text


def test_the_smallest_zoom_counts() -> None:
    found = of_transform(sized((100, 100)), resize=80, crop=64, zoom=(0.75, 1.0))
    assert findings(found)[0].kind == "too_small"
    assert findings(found)[0].count == 120
    assert said(of_transform(sized((100, 100)), resize=80, crop=64, zoom=(0.8, 1.0))) == []


def test_without_a_crop_sizes_must_be_one_and_fit_the_networks() -> None:
    assert said(of_transform(sized((96, 84)))) == [("unequal_sizes", "error")]
    assert said(of_transform([])) == []
    assert said(of_transform([], needs=(1, 32))) == [("no_multiple", "error")]
    assert said(of_transform([], needs=(128, 1))) == [("too_small", "error")]


def test_images_that_the_resize_enlarges_are_told_the_worst_first() -> None:
    found = of_transform(sized((48, 48), (40, 60), (70, 70)), resize=72, crop=64)
    finding = only(found)
    assert (finding.kind, finding.severity) == ("enlarged", "warning")
    assert list(finding.files) == ["s1"] and "1.8 times" in finding.text


def test_changed_proportions_are_told_where_they_are_asked_for() -> None:
    found = of_transform(sized((200, 100)), resize=(96, 80))
    assert said(found) == [("distorted", "warning")]
    assert said(of_transform(sized((200, 100)), resize=72, crop=64)) == []


def test_long_images_are_told_without_a_spec_too() -> None:
    groups = [group("train", "a", [*sized((310, 100)), *map(clean, range(119))], None)]
    finding = only(Collection(groups))
    assert (finding.kind, list(finding.files)) == ("extreme_proportions", ["s0"])
    assert "3.1 times" in finding.text


def grays(number: int) -> list[ImageFacts]:
    return [replace(clean(900 + n, f"g{n}"), colourful=False) for n in range(number)]


def test_gray_among_colour_and_colour_among_gray() -> None:
    assert said(collection(train_a=grays(1))) == [("gray_among_colour", "note")]
    finding = only(collection(train_a=grays(2)))
    assert (finding.kind, finding.severity) == ("gray_among_colour", "warning")
    assert list(finding.files) == ["g0", "g1"]
    finding = only(collection(train_a=grays(118)))
    assert (finding.kind, finding.count) == ("colour_among_gray", 2)


def test_a_domain_that_is_all_gray_is_only_noted() -> None:
    assert said(collection(train_a=grays(120))) == [("all_gray", "note")]


@pytest.mark.parametrize(
    ("stored", "kind"),
    [
        ("gray 16 bit", "deep"),
        ("RGB 16 bit", "deep"),
        ("CMYK", "cmyk"),
        ("RGB with alpha", "transparent"),
        ("palette", "several_kinds"),
    ],
)
def test_unusual_pixels_are_told(stored: str, kind: str) -> None:
    found = findings(collection(train_a=[replace(clean(999, "x"), stored=stored)]))
    assert {finding.kind for finding in found} == {kind, "several_kinds"}
    assert all(list(finding.files) == ["x"] for finding in found)


def test_files_of_several_images_are_noted() -> None:
    finding = only(collection(train_b=[replace(clean(999, "x"), several=True)]))
    assert (finding.kind, finding.severity, list(finding.files)) == (
        "several_frames",
        "note",
        ["x"],
    )


@pytest.mark.parametrize(
    ("kind", "first"),
    [
        ("gray_among_colour", grays(2)),
        ("colour_among_gray", grays(28)),
        ("nearly_constant", [replace(clean(999), contrast=0.0)]),
        ("enlarged", sized((40, 60))),
        ("extreme_proportions", sized((400, 100))),
        ("duplicates", [replace(clean(999), label=str(n)) for n in range(8)]),
    ],
)
def test_what_only_training_suffers_from_is_a_note_of_test_images_about_metrics(
    kind: str, first: list[ImageFacts]
) -> None:
    found = only(collection(test_a=first))
    assert (found.kind, found.severity) == (kind, "note")
    assert "metrics" in found.means
    assert not any(
        word in found.means for word in ("discriminator", "learn", "training", "gradient")
    )


def test_names_in_texts_are_printable_and_files_have_them_as_they_are() -> None:
    evil = "\x1b]0;PWNED\x07\n"
    bad = ImageFacts(f"{evil}.png", error=f"no {evil}")
    found = collection(train_a=[bad])
    named = replace(found.groups[0], name=evil, ignored={f".{evil}": 1})
    for finding in findings(Collection([named, *found.groups[1:]])):
        said = [finding.text, finding.means, finding.do, *finding.reasons]
        assert all(text.isprintable() for text in said), finding
        assert r"\x1b]0;PWNED\x07\n" in " ".join(said)
        if finding.kind == "unreadable":
            assert finding.files == [f"{evil}.png"]


def test_turned_files_are_noted() -> None:
    assert said(collection(train_a=[replace(clean(999), turned=True)])) == [("turned", "note")]


def sizes_of(*totals: int, repeat: int = 1) -> Collection:
    places: list[tuple[Split, Domain]] = [
        ("train", "a"), ("train", "b"), ("test", "a"), ("test", "b")
    ]  # fmt: skip
    numbers = count()
    return Collection(
        [
            group(*place, [clean(next(numbers)) for _ in range(total)])
            for place, total in zip(places, totals, strict=True)
        ],
        repeat=repeat,
    )


def test_few_images_unless_they_are_repeated() -> None:
    found = only(sizes_of(99, 120, 30, 30))
    assert (found.kind, found.severity) == ("few_images", "warning")
    assert "99 of summer" in found.text and "winter" not in found.text
    assert said(sizes_of(99, 120, 30, 30, repeat=2)) == []


def test_an_unbalanced_data_set() -> None:
    assert said(sizes_of(601, 120, 30, 30)) == [("unbalanced", "warning")]
    assert (
        "summer (train) has 601 images, winter (train) has 120"
        in only(sizes_of(601, 120, 30, 30)).text
    )
    assert said(sizes_of(600, 120, 30, 30)) == []


def test_no_and_few_test_images_are_noted() -> None:
    assert said(sizes_of(120, 120, 0, 30)) == [("no_test_images", "note")]
    assert said(sizes_of(120, 120, 19, 30)) == [("few_test_images", "note")]


def test_files_that_are_no_images_by_name_are_noted() -> None:
    groups = [group("train", "a", list(map(clean, range(120))), ignored={".gif": 3, "": 1})]
    assert (
        "4 files of summer (train) are not taken for images: 3 .gif, 1 without a suffix"
        in only(Collection(groups)).text
    )


def test_the_worst_comes_first() -> None:
    found = collection(
        train_a=[*grays(1), ImageFacts("bad", error="x"), replace(clean(999), contrast=0.0)]
    )
    assert [finding.severity for finding in findings(found)] == ["error", "warning", "note"]
