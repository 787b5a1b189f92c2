from __future__ import annotations

from math import sqrt
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from gantrans.api.metric import Translated
from gantrans.api.step import TranslationStep
from gantrans.errors import CheckpointError
from gantrans_perceptual.distance import LPIPS, LPIPS_LAYERS, LPIPSSettings, distance, unit
from gantrans_perceptual.features import Features
from gantrans_perceptual.lpips_loss import LPIPSLoss
from gantrans_perceptual.lpips_metric import LPIPSMetric

NETWORK = "squeezenet1_1"
SETTINGS = {"network": NETWORK, "weights": "random"}


def images(seed: int, count: int = 2) -> Tensor:
    return torch.rand(count, 3, 32, 32, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def lpips(**settings: Any) -> LPIPS:
    return LPIPSLoss.Config(**{**SETTINGS, **settings}).build().distance


def maps(*positions: tuple[float, float]) -> Tensor:
    """One image, two channels, a row of positions."""
    return torch.tensor(positions, dtype=torch.float32).T.reshape(1, 2, 1, -1)


def test_the_distance_of_maps_computed_by_hand() -> None:
    """(3, 4) and (1, 0) are (0.6, 0.8) and (1, 0) at length 1: 0.16 + 0.64 = 0.8 apart, squared."""
    x, y = [maps((3, 4), (1, 1))], [maps((1, 0), (5, 5))]  # the second position points alike
    ones, weights = torch.ones(2, 1, 1), torch.tensor([2.0, 0.5]).view(2, 1, 1)

    assert distance(x, y, [ones]).item() == pytest.approx(0.8 / 2)
    assert distance(x, y, [weights]).item() == pytest.approx((2 * 0.16 + 0.5 * 0.64) / 2)
    # Opposite ends of a layer of one position: |(1, 0) - (0, 1)|^2 = 2. Layers are added up.
    both = distance([*x, maps((7, 0))], [*y, maps((0, 2))], [ones, ones])
    assert both.item() == pytest.approx(0.8 / 2 + 2)


def test_where_nothing_is_seen_the_gradient_is_finite() -> None:
    features = torch.zeros(1, 4, 2, 2, requires_grad=True)

    found = unit(features)
    found.square().sum().backward()

    assert not found.any()
    assert features.grad is not None
    assert not features.grad.any()


def test_it_agrees_with_a_plain_second_implementation() -> None:
    x, y = images(1), images(2)
    features = Features(NETWORK, LPIPS_LAYERS[NETWORK], "random")
    expected = [0.0, 0.0]
    for name, channels in LPIPS_LAYERS[NETWORK].items():
        for image in range(2):
            a, b = (features(z)[name][image].double() for z in (x, y))
            assert len(a) == channels
            for i, j in torch.cartesian_prod(torch.arange(a.shape[1]), torch.arange(a.shape[2])):
                u, v = a[:, i, j], b[:, i, j]
                cosine = float(u @ v / (sqrt(u @ u) * sqrt(v @ v)))
                expected[image] += (2 - 2 * cosine) / (a.shape[1] * a.shape[2])

    assert lpips()(x, y).tolist() == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("network", LPIPS_LAYERS)
def test_equal_images_have_no_distance_and_either_may_come_first(network: str) -> None:
    measure, x, y = lpips(network=network), images(1), images(2)

    assert measure(x, x).tolist() == [0, 0]
    assert measure(x, y).tolist() == measure(y, x).tolist()
    assert (measure(x, y) > 0).all()


def test_the_loss_is_the_mean_distance_and_trains_what_was_made() -> None:
    built = LPIPSLoss.Config(**SETTINGS).build()
    cycle = {d: images(n).requires_grad_() for n, d in enumerate("ab")}
    real = {d: images(n + 2) for n, d in enumerate("ab")}

    terms = built.generator(TranslationStep({"real": real, "cycle": cycle}, {}))
    torch.stack([*terms.values()]).sum().backward()

    assert terms["a"].item() == pytest.approx(built.distance(cycle["a"], real["a"]).mean().item())
    assert all(
        x.grad is not None and x.grad.any() and x.grad.isfinite().all() for x in cycle.values()
    )
    assert not any(weight.requires_grad for weight in built.parameters())


@pytest.mark.parametrize("compare", ["identity", "source"])
def test_the_loss_requires_what_it_compares(compare: str) -> None:
    assert compare in LPIPSLoss.Config(compare=compare, **SETTINGS).requires


def published(network: str) -> dict[str, Tensor]:
    """Weights named and shaped as the authors' files have them."""
    stream = torch.Generator().manual_seed(3)
    return {
        f"lin{n}.model.1.weight": torch.rand(1, channels, 1, 1, generator=stream)
        for n, channels in enumerate(LPIPS_LAYERS[network].values())
    }


def test_the_published_weights_of_channels_are_applied(tmp_path: Path) -> None:
    x, y, weights = images(1), images(2), published(NETWORK)
    torch.save(weights, tmp_path / "squeeze.pth")
    features = Features(NETWORK, LPIPS_LAYERS[NETWORK], "random")
    expected = torch.zeros(2)
    for a, b, w in zip(features(x).values(), features(y).values(), weights.values(), strict=True):
        apart = (a / a.norm(dim=1, keepdim=True) - b / b.norm(dim=1, keepdim=True)) ** 2
        expected += torch.nn.functional.conv2d(apart, w).mean(dim=(1, 2, 3))

    found = lpips(linear=str(tmp_path / "squeeze.pth"))(x, y)

    assert found.tolist() == pytest.approx(expected.tolist(), rel=1e-4)


def test_published_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    torch.save(published("alexnet"), tmp_path / "alex.pth")

    with pytest.raises(CheckpointError, match=r"LPIPS for squeezenet1_1: 'lin1\.model\.1\.weight'"):
        lpips(linear=str(tmp_path / "alex.pth"))


def test_the_metric_is_the_mean_over_images_whatever_their_batches() -> None:
    truth, fake = images(1, 3), images(2, 3)
    metric = LPIPSMetric.Config(**SETTINGS).build()
    for part in (slice(0, 2), slice(2, 3)):
        metric.update(Translated(source=truth[part], fake=fake[part], truth=truth[part]))

    expected = LPIPS(LPIPSSettings.model_construct(**SETTINGS, linear=None))(fake, truth).mean()
    assert metric.compute() == {"lpips": pytest.approx(expected.item(), rel=1e-5)}
    assert metric.needs_truth
    assert not metric.higher_is_better
