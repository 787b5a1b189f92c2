"""Both distances against torch-fidelity's, formulas written out, and a plain bootstrap."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric
from torch_fidelity.metric_kid import kid_features_to_metric

from gantrans.api.metric import Translated
from gantrans.errors import DataError
from gantrans_fidelity import feature_metric
from gantrans_fidelity.fid import FID
from gantrans_fidelity.kid import KID


class Pixels:
    """An extractor whose features are the pixels."""

    digest = "none"

    def __init__(self, weights: Any) -> None:
        pass

    def __call__(self, images: Tensor) -> Tensor:
        return images.flatten(1)


@pytest.fixture(autouse=True)
def without_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feature_metric, "Extractor", Pixels)


def features(count: int, seed: int, size: int = 6, shift: float = 0.0) -> Tensor:
    stream = torch.Generator().manual_seed(seed)
    mixed = torch.randn(count, size, generator=stream, dtype=torch.float64)
    return mixed @ torch.rand(size, size, generator=stream, dtype=torch.float64) + shift


def kid(**settings: Any) -> KID:
    return KID(KID.Config(**settings))


def plain_mmd(x: Tensor, y: Tensor) -> float:
    """Binkowski et al. 2018, equation 4, term by term."""

    def k(a: Tensor, b: Tensor) -> float:
        return (float(a @ b) / len(a) + 1) ** 3

    n, m = len(x), len(y)
    within = sum(k(x[i], x[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    within += sum(k(y[i], y[j]) for i in range(m) for j in range(m) if i != j) / (m * (m - 1))
    across = sum(k(a, b) for a in x for b in y) / (n * m)
    return within - 2 * across


def test_kid_of_few_images_is_the_unbiased_discrepancy_of_all_of_them() -> None:
    x, y = features(9, 0), features(9, 1, shift=0.4)
    assert kid().distance(x, y) == pytest.approx(plain_mmd(x, y), rel=1e-9)


def test_kid_compares_all_images_once_where_each_subset_would_be_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[int] = []

    def counting(*features: Tensor, kid_subsets: int, **rest: Any) -> Any:
        asked.append(kid_subsets)
        return kid_features_to_metric(*features, kid_subsets=kid_subsets, **rest)

    monkeypatch.setattr("gantrans_fidelity.kid.kid_features_to_metric", counting)
    x, y = features(9, 0), features(9, 1, shift=0.4)
    for fakes, reals, size in ((x, y, 1000), (x, y, 9), (x, y, 8), (x, y[:7], 1000)):
        kid(subsets=5, subset_size=size).distance(fakes, reals)
    assert asked == [1, 1, 5, 5]


def test_kid_is_the_mean_over_subsets() -> None:
    """Of subsets of one size the expectation is the discrepancy of all."""
    x, y = features(60, 0), features(50, 1, shift=0.4)
    whole = plain_mmd(x, y)
    assert kid(subsets=400, subset_size=25).distance(x, y) == pytest.approx(whole, rel=0.05)
    first, again = (kid(subsets=3, subset_size=10).distance(x, y) for _ in range(2))
    assert first == again
    assert kid(subsets=3, subset_size=10, seed=1).distance(x, y) != first


def test_kid_is_about_0_for_two_sets_of_one_distribution_and_grows_with_a_shift() -> None:
    x, shifted = features(300, 0), features(300, 0, shift=1.0)
    assert abs(kid().distance(x[:150], x[150:])) < 0.1 * kid().distance(x[:150], shifted[150:])


@pytest.mark.parametrize(("n", "m"), [(40, 30), (20, 35)])
def test_fid_is_torch_fidelitys(n: int, m: int) -> None:
    x, y = features(n, 0), features(m, 1, shift=0.3)
    expected = fid_statistics_to_metric(
        fid_features_to_statistics(x), fid_features_to_statistics(y), verbose=False
    )
    assert FID(FID.Config()).distance(x, y) == pytest.approx(
        expected["frechet_inception_distance"], rel=1e-6
    )


def test_fid_of_fewer_images_than_features_is_torch_fidelitys_too() -> None:
    x, y = features(8, 0, size=20), features(5, 1, size=20)
    expected = fid_statistics_to_metric(
        fid_features_to_statistics(x), fid_features_to_statistics(y), verbose=False
    )
    # Its eigenvalues of a singular product are roundings, whose roots are larger.
    assert FID(FID.Config()).distance(x, y) == pytest.approx(
        expected["frechet_inception_distance"], rel=1e-4
    )


def test_fid_of_one_axis_is_its_formula() -> None:
    x = torch.tensor([[0.0], [2.0], [4.0]], dtype=torch.float64)  # mean 2, variance 4
    y = torch.tensor([[5.0], [6.0], [7.0]], dtype=torch.float64)  # mean 6, variance 1
    assert FID(FID.Config()).distance(x, y) == pytest.approx(4**2 + (2 - 1) ** 2)


@pytest.mark.parametrize("metric", [KID, FID])
def test_its_interval_is_as_wide_as_that_of_a_plain_bootstrap(metric: Any) -> None:
    """The first-order expansion against measuring sets that are drawn anew."""
    measured = metric(metric.Config(**({"subsets": 1} if metric is KID else {})))
    x, y = features(120, 0), features(120, 1, shift=0.5)
    measured.update(Translated(x[..., None, None], x[..., None, None]))
    measured.update_real(y[..., None, None])
    stream = torch.Generator().manual_seed(0)
    plain, expanded = [], []
    for _ in range(200):
        i = torch.randint(120, (120,), generator=stream)
        j = torch.randint(120, (120,), generator=stream)
        plain.append(measured.distance(x[i], y[j]))
        expanded.append(measured.resampled(i, j)[measured.name])
    wide, narrow = torch.tensor(plain).std(), torch.tensor(expanded).std()
    assert narrow == pytest.approx(wide, rel=0.25)
    both = torch.corrcoef(torch.tensor([plain, expanded]))[0, 1]
    assert both > 0.9


@pytest.mark.parametrize("metric", [KID, FID])
def test_a_single_image_is_no_set(metric: Any) -> None:
    measured = metric(metric.Config())
    measured.update(Translated(torch.zeros(3, 3, 1, 1), torch.zeros(3, 3, 1, 1)))
    measured.update_real(torch.zeros(1, 3, 1, 1))
    with pytest.raises(DataError, match="3 translations and 1 real images: it needs at least 2"):
        measured.compute()


def test_the_protocol_says_which_subsets_there_were_where_images_are_few() -> None:
    measured = kid()
    measured.update(Translated(torch.zeros(9, 3, 1, 1), torch.zeros(9, 3, 1, 1)))
    measured.update_real(torch.zeros(7, 3, 1, 1))
    assert measured.protocol()["images_in_a_subset"] == 7
    assert measured.protocol()["subsets_compared"] == 100
    measured.update_real(torch.zeros(2, 3, 1, 1))
    assert measured.protocol()["images_in_a_subset"] == 9
    assert measured.protocol()["subsets_compared"] == 1
    assert measured.protocol()["weights_sha256"] == "none"
