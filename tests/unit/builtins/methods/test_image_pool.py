from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from gantrans.builtins.methods.image_pool import ImagePool


def numbered(first: int, count: int = 1) -> Tensor:
    """Images that are as bright as their number."""
    return torch.arange(first, first + count).float().reshape(count, 1, 1, 1).expand(-1, 3, 2, 2)


def exchanged(pool: ImagePool, first: int, count: int = 1) -> list[int]:
    """The numbers of the images that come back for images number `first` and on."""
    return [int(image.flatten()[0]) for image in pool.exchange(numbered(first, count), first)]


def history(pool: ImagePool, images: int, start: int = 0) -> list[int]:
    return [exchanged(pool, n)[0] for n in range(start, images)]


def test_while_it_fills_it_gives_back_what_it_gets() -> None:
    pool = ImagePool(50, seed=0, domain="a")
    assert history(pool, 50) == list(range(50))
    assert sorted(int(image.flatten()[0]) for image in pool.state()) == list(range(50))


def test_then_half_the_images_are_exchanged_for_stored_ones() -> None:
    given = history(ImagePool(50, seed=1, domain="a"), 4050)[50:]
    swapped = sum(number != n for n, number in enumerate(given, start=50))
    # 4000 draws of probability 1/2: five standard deviations around the mean.
    assert abs(swapped - 2000) < 5 * math.sqrt(4000 / 4)


def test_each_place_is_as_likely_as_another() -> None:
    """The age of a stored image in draws is geometric: a mean of 2 * size images."""
    size = 5
    given = history(ImagePool(size, seed=2, domain="a"), 20_005)[size:]
    ages = [n - number for n, number in enumerate(given, start=size) if number != n]
    assert sum(ages) / len(ages) == pytest.approx(2 * size, rel=0.05)


def test_an_exchanged_image_is_stored_and_a_stored_one_leaves() -> None:
    pool = ImagePool(4, seed=3, domain="a")
    stored = {0, 1, 2, 3}
    history(pool, 4)
    for n in range(4, 60):
        [given] = exchanged(pool, n)
        if given != n:
            assert given in stored
            stored = stored - {given} | {n}
        assert {int(image.flatten()[0]) for image in pool.state()} == stored


def test_what_happens_to_an_image_depends_on_seed_domain_and_number_alone() -> None:
    def swaps(seed: int, domain: str, batch: int = 1) -> list[bool]:
        pool = ImagePool(6, seed, domain)
        given = [x for n in range(0, 120, batch) for x in exchanged(pool, n, batch)]
        return [number != n for n, number in enumerate(given)]

    torch.manual_seed(1)
    first = swaps(0, "a")
    torch.manual_seed(2)  # torch's own generator has no part in it
    assert swaps(0, "a") == first
    assert swaps(0, "a", batch=4) == first
    assert swaps(1, "a") != first
    assert swaps(0, "b") != first


def test_it_goes_on_from_its_state_as_if_nothing_had_happened() -> None:
    whole = history(ImagePool(4, seed=0, domain="a"), 60)
    first = ImagePool(4, seed=0, domain="a")
    begun = history(first, 30)
    second = ImagePool(4, seed=0, domain="a")
    second.load_state(first.state())
    assert begun + history(second, 60, start=30) == whole


@pytest.mark.parametrize(("before", "after"), [(1, 4), (4, 1)])
def test_after_a_resume_with_another_batch_size_no_image_is_blank(before: int, after: int) -> None:
    """As many steps of other batches: the ordinals leap, or come a second time."""
    first, second = (ImagePool(10, seed=0, domain="a") for _ in range(2))
    shown: set[int] = set()

    def step(pool: ImagePool, number: int, batch: int) -> set[int]:
        """What comes back for a batch of images, whose brightness is their ordinal + 1."""
        images = numbered(number * batch + 1, batch)
        shown.update(range(number * batch + 1, number * batch + 1 + batch))
        return {int(image[0, 0, 0]) for image in pool.exchange(images, number * batch)}

    for number in range(2):
        step(first, number, before)
    second.load_state(first.state())
    for number in range(2, 100):
        assert step(second, number, after) <= shown
    assert len(second.state()) == 10


def test_a_checkpoint_holds_the_images_that_are_stored_and_no_others() -> None:
    pool = ImagePool(50, seed=0, domain="a")
    history(pool, 3)
    assert torch.equal(pool.state(), numbered(0, 3))


def test_a_pool_that_is_made_larger_goes_on_filling_and_a_smaller_one_is_refused() -> None:
    state = numbered(0, 4)
    larger = ImagePool(6, seed=0, domain="a")
    larger.load_state(state)
    assert history(larger, 6, start=4) == [4, 5]
    assert torch.equal(larger.state(), numbered(0, 6))
    with pytest.raises(ValueError, match="4 images, now pool_size = 3"):
        ImagePool(3, seed=0, domain="a").load_state(state)


def test_a_state_that_is_taken_back_is_a_copy() -> None:
    first, second = (ImagePool(2, seed=0, domain="a") for _ in range(2))
    history(first, 2)
    second.load_state(first.state())
    history(second, 30, start=2)
    assert [int(image.flatten()[0]) for image in first.state()] == [0, 1]


def test_the_state_of_an_untouched_pool_can_be_taken_back() -> None:
    pool = ImagePool(3, seed=0, domain="a")
    pool.load_state(ImagePool(3, seed=0, domain="a").state())
    assert history(pool, 3) == [0, 1, 2]


def test_a_pool_of_size_0_gives_back_every_image() -> None:
    pool = ImagePool(0, seed=0, domain="a")
    assert history(pool, 20) == list(range(20))
    assert pool.state().numel() == 0


def test_what_it_gets_is_left_as_it_is() -> None:
    pool = ImagePool(2, seed=0, domain="a")
    for n in range(20):
        images = numbered(n).clone()
        pool.exchange(images, n)
        assert torch.equal(images, numbered(n))
