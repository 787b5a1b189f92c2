from __future__ import annotations

import torch
from torch import Tensor

from gantrans.training.health import quantities as q


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def test_a_copy_is_unchanged_and_a_flat_output_keeps_nothing() -> None:
    source = noise(3, 3, 16, 16)
    assert torch.isclose(q.unchanged(source, source), torch.tensor(1.0))
    means = source.mean((1, 2, 3), keepdim=True).expand_as(source)
    assert torch.isclose(q.unchanged(source, means), torch.tensor(0.0), atol=1e-6)


def test_a_constant_shift_counts_as_change() -> None:
    source = noise(1, 3, 16, 16)
    expected = 1 - 0.1**2 / source.var(correction=0)
    assert torch.isclose(q.unchanged(source, source + 0.1), expected, atol=1e-5)


def test_likeness_is_pearsons_correlation_of_each_image() -> None:
    source, fake = noise(4, 3, 16, 16), noise(4, 3, 16, 16, seed=1) + 0.5
    pairs = zip(source, fake, strict=True)
    plain = [torch.corrcoef(torch.stack([s.flatten(), f.flatten()]))[0, 1] for s, f in pairs]
    assert torch.isclose(q.likeness(source, fake), torch.stack(plain).mean(), atol=1e-6)
    assert torch.isclose(q.likeness(source, -source), torch.tensor(-1.0))
    assert torch.isclose(q.likeness(source, 0.3 * source - 0.2), torch.tensor(1.0))


def test_saturation_counts_values_at_both_ends() -> None:
    images = torch.tensor([-1.0, -0.99, 0.0, 0.97, 0.985, 1.0, 0.5, -0.5]).view(1, 1, 2, 4)
    assert q.saturation(images) == 0.5


def test_variation_is_the_spread_between_images_and_not_within_them() -> None:
    one = noise(1, 3, 32, 32)
    assert q.variation(q.thumbnails(one.repeat(5, 1, 1, 1))) < 1e-6
    grays = torch.tensor([-1.0, 1.0]).view(2, 1, 1, 1).expand(2, 3, 32, 32)
    assert torch.isclose(q.variation(q.thumbnails(grays)), torch.tensor(1.0))


def levels(images: Tensor) -> Tensor:
    pattern = q.lattice(images)
    assert pattern is not None
    return q.levels(pattern)


def board(height: int, width: int, period: int) -> Tensor:
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return ((y // (period // 2) + x // (period // 2)) % 2 * 2 - 1).float().view(1, 1, height, width)


def test_chequerboards_of_both_periods_are_found_in_full_on_any_slope() -> None:
    slope = torch.linspace(-0.5, 0.5, 60).view(1, 1, 1, 60) + torch.linspace(-0.2, 0.3, 56).view(
        1, 1, 56, 1
    )
    assert levels(slope) < 0.01
    for period in (2, 4):
        images = slope + 0.1 * board(56, 60, period)
        assert torch.isclose(levels(images), torch.tensor(12.75), rtol=1e-3)


def test_the_pattern_has_the_energy_of_the_fourier_transform_at_its_periods() -> None:
    # The same by Parseval: of what is left without the coarse parts, which spans 48 x 56 pixels.
    images = noise(1, 1, 56, 64)
    box = torch.ones(9)
    box[0] = box[-1] = 0.5
    kernel = (torch.outer(box, box) / 64).view(1, 1, 9, 9)
    fine = images[..., 4:-4, 4:-4] - torch.nn.functional.conv2d(images, kernel)
    spectrum = torch.fft.fft2(fine[0, 0]) / fine[0, 0].numel()
    energy = spectrum[::12, ::14].abs().square().sum() - spectrum[0, 0].abs().square()
    assert torch.isclose(levels(images), energy.sqrt() * 127.5, rtol=1e-3)


def test_other_periods_and_small_images_are_no_chequerboard() -> None:
    columns = torch.arange(68) % 5 == 0  # what is looked at of them, 60, is a multiple of 4 and 5
    assert levels(columns.float().expand(1, 1, 68, 68)) < 0.01
    assert q.lattice(noise(2, 3, 55, 80)) is None
