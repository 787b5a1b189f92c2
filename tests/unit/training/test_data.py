from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from multiprocessing import active_children
from typing import Any

import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from gantrans.api.dataset import ImageSource
from gantrans.api.step import Domain
from gantrans.api.transform import Transform
from gantrans.errors import DataError
from gantrans.plugin.carried import FilePlugins
from gantrans.training.batch import LoadedBatch, Sample, together
from gantrans.training.data import TrainingSamples, training_batches
from gantrans.training.evaluation_images import evaluation_image
from gantrans.training.variation import Variation
from gantrans.training.workers import loading


@dataclass(frozen=True)
class Numbered(ImageSource):
    """Images that show their number and where their pixels come from."""

    count: int
    name: str = "image"
    side: int = 12
    odd_one: int | None = None  # of another size
    broken: int | None = None

    def __len__(self) -> int:
        return self.count

    def image(self, index: int) -> Image.Image:
        if index == self.broken:
            raise DataError(f"cannot read {self.label(index)}")
        side = self.side + 2 * (index == self.odd_one)
        image = Image.new("RGB", (side, side))
        image.putdata([(x, y, index) for y in range(side) for x in range(side)])
        return image

    def label(self, index: int) -> str:
        return f"{self.name}-{index}"


def samples(
    a: ImageSource, b: ImageSource, *, seed: int = 0, epoch_size: int | None = None, **more: Any
) -> TrainingSamples:
    transform = more.pop("transform", Transform(crop=8))
    sources: dict[Domain, ImageSource] = {"a": a, "b": b}
    size = epoch_size or max(len(a), len(b))
    channels: dict[Domain, int] = {"a": 3, "b": 3}
    none = FilePlugins()
    return TrainingSamples(none, sources, transform, channels, seed, epoch_size=size, **more)


def batches(
    of: TrainingSamples, last: int, *, first: int = 0, size: int = 1, workers: int = 0, **more: int
) -> list[LoadedBatch]:
    """The batches as networks get them."""
    return [
        LoadedBatch(batch.on(torch.device("cpu")), batch.labels)
        for batch in training_batches(
            of, batch_size=size, first=first, last=last, workers=workers, pin_memory=False, **more
        )
    ]


def seen(of: TrainingSamples, epoch: int, domain: Domain = "a") -> list[int]:
    """The numbers of the images of an epoch, in order."""
    size = of.epoch_size
    loaded = batches(of, (epoch + 1) * size, first=epoch * size)
    return [int(label.rpartition("-")[2]) for batch in loaded for label in batch.labels[domain]]


def same(ours: list[LoadedBatch], theirs: list[LoadedBatch]) -> bool:
    return [b.labels for b in ours] == [b.labels for b in theirs] and all(
        torch.equal(x.real[domain], y.real[domain]) and x.real[domain].is_contiguous()
        for x, y in zip(ours, theirs, strict=True)
        for domain in x.real
    )


@pytest.mark.parametrize("workers", [1, 2])
def test_it_does_not_matter_how_many_workers_load(workers: int) -> None:
    of = samples(Numbered(7), Numbered(5))
    assert same(batches(of, 9, size=2, workers=workers), batches(of, 9, size=2))


def test_a_run_that_goes_on_sees_what_it_would_have_seen() -> None:
    of, again = (samples(Numbered(7), Numbered(5)) for _ in range(2))
    whole = batches(of, 12, size=2)
    for first in (1, 5, 11):
        assert same(batches(again, 12, first=first, size=2), whole[first:])


def test_a_batch_of_two_is_two_batches_of_one() -> None:
    of = samples(Numbered(6), Numbered(6))
    ones, twos = batches(of, 12), batches(of, 6, size=2)
    for n, two in enumerate(twos):
        pair = ones[2 * n : 2 * n + 2]
        assert torch.equal(two.real["b"], torch.cat([one.real["b"] for one in pair]))


@pytest.mark.parametrize("ranks", [2, 4])
def test_the_shares_of_all_ranks_are_the_whole_batch(ranks: int) -> None:
    of = samples(Numbered(7), Numbered(5), epoch_size=8)
    shares = [batches(of, 5, first=1, size=4, rank=rank, ranks=ranks) for rank in range(ranks)]
    for n, whole in enumerate(batches(of, 5, first=1, size=4)):
        for domain in whole.real:
            own = [share[n] for share in shares]
            assert torch.equal(torch.cat([one.real[domain] for one in own]), whole.real[domain])
            labels = [label for one in own for label in one.labels[domain]]
            assert labels == whole.labels[domain]


def test_every_image_of_the_larger_domain_is_seen_once_an_epoch() -> None:
    of = samples(Numbered(9), Numbered(4))
    for epoch in range(3):
        assert sorted(seen(of, epoch)) == list(range(9))


def test_the_smaller_domain_starts_over_when_all_of_it_was_seen() -> None:
    of = samples(Numbered(10), Numbered(4))
    order = seen(of, 0, "b")
    assert sorted(order[:4]) == sorted(order[4:8]) == [0, 1, 2, 3]
    assert len(set(order[8:])) == 2
    assert order[:4] != order[4:8]  # in a new order; of this seed


def test_an_epoch_of_whole_batches_leaves_no_image_out() -> None:
    """With 7 images in batches of 3 an epoch has 9 samples."""
    of = samples(Numbered(7), Numbered(7), epoch_size=9)
    assert sorted(seen(of, 0)[:7]) == list(range(7))
    assert len(seen(of, 0)) == 9


def test_orders_differ_from_epoch_to_epoch_domain_to_domain_and_seed_to_seed() -> None:
    of = samples(Numbered(12), Numbered(12))
    other = samples(Numbered(12), Numbered(12), seed=1)
    orders = [seen(of, 0), seen(of, 1), seen(of, 0, "b"), seen(other, 0)]
    assert len({tuple(order) for order in orders}) == 4


def test_every_partner_is_as_likely() -> None:
    """Unpaired: over many epochs an image of a meets every image of b."""
    of = samples(Numbered(4), Numbered(4))
    met = Counter(
        pair
        for epoch in range(200)
        for pair in zip(seen(of, epoch), seen(of, epoch, "b"), strict=True)
    )
    assert len(met) == 16
    # 800 meetings, 16 pairs: five standard deviations of a count around 50.
    assert all(abs(count - 50) < 5 * (50 * 15 / 16) ** 0.5 for count in met.values())


def test_crops_and_flips_differ_from_sample_to_sample() -> None:
    of = samples(Numbered(1), Numbered(1), epoch_size=1)
    views = {batch.real["a"].numpy().tobytes() for batch in batches(of, 60)}
    assert len(views) > 30  # of 5 x 5 crops, each with a mirror image


def test_pairs_stay_together_and_get_the_same_crop_and_flip() -> None:
    of = samples(Numbered(6, "x"), Numbered(6, "x"), paired=True)
    for batch in batches(of, 12):
        assert batch.labels["a"] == batch.labels["b"]
        assert torch.equal(batch.real["a"], batch.real["b"])
    unpaired = samples(Numbered(6, "x"), Numbered(6, "x"))
    assert any(batch.labels["a"] != batch.labels["b"] for batch in batches(unpaired, 12))


@pytest.mark.parametrize("size", [1, 6])
def test_an_image_of_another_size_is_named(size: int) -> None:
    """In a batch and between batches."""
    of = samples(Numbered(6, "summer", odd_one=4), Numbered(6, "winter"), transform=Transform())
    with pytest.raises(DataError) as caught:
        batches(of, 6 // size, size=size)
    said = str(caught.value)
    assert "summer-" in said
    assert "12 x 12" in said
    assert "14 x 14" in said
    assert "data.transform.crop" in said


@pytest.mark.parametrize("workers", [0, 1])
def test_an_unreadable_image_ends_with_its_own_message(workers: int) -> None:
    of = samples(Numbered(3, "summer"), Numbered(3, "winter", broken=2))
    with pytest.raises(DataError, match=r"^cannot read winter-2$"):
        batches(of, 3, workers=workers)


def test_an_image_smaller_than_the_crop_is_named() -> None:
    of = samples(Numbered(2, "summer", side=6), Numbered(2, "winter"))
    with pytest.raises(DataError, match=r"summer-. is 6 x 6 pixels, smaller than the crop of 8"):
        batches(of, 2)


def test_domains_may_differ_in_size_and_channels() -> None:
    sources: dict[Domain, ImageSource] = {"a": Numbered(2), "b": Numbered(2, side=20)}
    channels: dict[Domain, int] = {"a": 1, "b": 3}
    of = TrainingSamples(FilePlugins(), sources, Transform(), channels, seed=0, epoch_size=2)
    [batch, _] = batches(of, 2)
    assert batch.real["a"].shape == (1, 1, 12, 12)
    assert batch.real["b"].shape == (1, 3, 20, 20)


def test_test_images_are_neither_drawn_nor_mirrored(builtins: Any, tmp_path: Any) -> None:
    config = builtins.config("dataset", "seasons", {"size": 32, "transform": {"crop": 16}})
    dataset = config.build(base_dir=tmp_path)
    source = Numbered(3, side=12)
    with pytest.raises(DataError, match="image-1"):
        evaluation_image(dataset, source, "a", 1)
    large = Numbered(3, side=20)
    cut = ((evaluation_image(dataset, large, "a", 2) + 1) * 127.5).round().int()
    assert torch.equal(cut[0, 0], torch.arange(2, 18).int())
    assert torch.equal(cut[1, :, 0], torch.arange(2, 18).int())
    assert int(cut[2, 0, 0]) == 2


def test_pictures_and_tensors_do_not_share_a_batch() -> None:
    cuts: list[torch.Tensor] = [torch.full((3, 4, 4), 200, dtype=torch.uint8), torch.ones(3, 4, 4)]
    plain = Variation(flip=False, turns=0, colours=None)
    samples = [Sample({"a": cut}, {"a": f"{n}.png"}, {"a": plain}) for n, cut in enumerate(cuts)]
    for first, second in ((0, 1), (1, 0)):
        found = together([samples[first], samples[second]])
        assert isinstance(found, DataError)
        assert "a data set has to give one of the two" in str(found)


@dataclass(frozen=True)
class Forgetful(Dataset[int]):
    """Whose third item needs more memory than there is."""

    def __getitem__(self, index: int) -> int:
        if index == 2:
            raise MemoryError("no more")
        return index

    def __len__(self) -> int:
        return 40


def test_an_error_of_a_worker_is_the_one_that_is_raised_and_the_workers_end() -> None:
    before = set(active_children())
    with pytest.raises(MemoryError), loading(DataLoader(Forgetful(), num_workers=2)) as items:
        list(items)
    for _ in range(50):  # a signal of a worker that was killed would raise here
        time.sleep(0.002)
    assert set(active_children()) <= before
