from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from gantrans.api.image import to_image
from gantrans.api.metric import Metric, Translated
from gantrans.builtins.metrics.swd import SWD
from gantrans.spec.load import load
from gantrans.training.assemble import assemble
from gantrans.training.evaluate import Evaluation
from gantrans.training.evaluation_images import evaluation_image
from tiny_run import tiny_job, tiny_spec


class Unchanged(nn.Module):
    """Gives back what it gets; notes whether it was in use or in training."""

    multiple_of = min_size = 1

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[bool] = []

    def forward(self, x: Tensor) -> Tensor:
        self.seen.append(self.training)
        return x


def measured(**changes: Any) -> Any:
    job = tiny_job(domains={"a": "summer", "b": "winter"}, **changes)
    generators: Any = {"ab": Unchanged(), "ba": Unchanged()}
    return Evaluation.of(job).measure(generators), job, generators


def score_of_sets(fakes: Tensor, reals: Tensor) -> float:
    swd = SWD(SWD.Config())
    swd.update(Translated(fakes, fakes))
    swd.update_real(reals)
    return swd.compute()["swd"]


def test_psnr_is_that_of_the_translations_to_the_true_other_season() -> None:
    scores, job, _ = measured(data={"test": 3})
    summer, winter = (
        torch.stack(
            [evaluation_image(job.dataset, job.dataset.source("test", d), d, i) for i in range(3)]
        )
        for d in ("a", "b")
    )
    errors = ((summer - winter) / 2).square().mean(dim=(1, 2, 3))
    expected = sum(-10 * math.log10(error) for error in errors.tolist()) / 3
    for direction in ("summer->winter", "winter->summer"):
        score = scores[direction]["psnr"]
        assert score["value"] == pytest.approx(expected, rel=1e-5)
        # A generator that changes nothing is exactly as good as doing nothing.
        assert score["doing_nothing"] == score["value"]
        assert list(scores[direction]) == ["psnr", "ssim", "l1", "swd", "cycle"]
        source, target = (summer, winter) if direction == "summer->winter" else (winter, summer)
        assert score_of_sets(source, target) == pytest.approx(
            scores[direction]["swd"]["value"], rel=1e-4
        )
        # The way back of doing nothing says nothing.
        assert scores[direction]["cycle"] == {"value": 0.0}
        assert all("interval" not in score for score in scores[direction].values())


def test_generators_are_in_use_while_measured_and_in_training_again_afterwards() -> None:
    _, _, generators = measured()
    for generator in generators.values():
        assert not any(generator.seen)
        assert generator.training


def test_without_test_images_nothing_is_measured() -> None:
    scores, _, _ = measured(data={"test": 0})
    assert scores == {}


class Darker(Unchanged):
    """Takes something from every pixel."""

    def __init__(self, by: float) -> None:
        super().__init__()
        self.by = by

    def forward(self, x: Tensor) -> Tensor:
        return x - self.by


def unpaired(tmp_path: Path, count: dict[str, int], **changes: Any) -> Any:
    """A job of two folders of noise; each domain has as many test images as `count` says."""
    for number, (folder, images) in enumerate({"trainA": 2, "trainB": 2, **count}.items()):
        (tmp_path / folder).mkdir()
        for index in range(images):
            stream = torch.Generator().manual_seed(10 * number + index)
            to_image(torch.rand(3, 32, 32, generator=stream) * 2 - 1).save(
                tmp_path / folder / f"{index}.png"
            )
    spec = tiny_spec(**changes)
    data = {"type": "unpaired_folder", "root": str(tmp_path), "workers": 0, "cache_gib": 0}
    return assemble(load({**spec, "data": data}), torch.device("cpu"))


def prepared(job: Any, domain: Any) -> Tensor:
    source = job.dataset.source("test", domain)
    return torch.stack(
        [evaluation_image(job.dataset, source, domain, i) for i in range(len(source))]
    )


def test_without_pairs_the_distance_to_real_images_and_the_way_back_are_left(
    tmp_path: Path,
) -> None:
    job = unpaired(tmp_path, {"testA": 3, "testB": 2}, train={"batch_size": 2})
    generators: Any = {"ab": Darker(0.1), "ba": Darker(0.3)}
    scores = Evaluation.of(job).measure(generators)
    a, b = prepared(job, "a"), prepared(job, "b")
    for direction, fakes, reals in (("a->b", a - 0.1, b), ("b->a", b - 0.3, a)):
        assert set(scores[direction]) == {"swd", "cycle"}
        expected = score_of_sets(fakes, reals)
        assert scores[direction]["swd"]["value"] == pytest.approx(expected, rel=1e-4)
        assert scores[direction]["swd"]["doing_nothing"] != scores[direction]["swd"]["value"]
        assert scores[direction]["cycle"]["value"] == pytest.approx(0.4 * 127.5, rel=1e-4)


def test_the_protocol_is_that_of_each_direction(tmp_path: Path) -> None:
    job = unpaired(tmp_path, {"testA": 3, "testB": 5}, metrics={"swd": {"patches": 8}})
    evaluation = Evaluation.of(job)
    evaluation.bootstrap = True
    evaluation.measure({"ab": Darker(0.1), "ba": Darker(0.3)})  # type: ignore[dict-item]
    counts = {
        direction: (said["swd"]["patches_of_translations"], said["swd"]["patches_of_real_images"])
        for direction, said in evaluation.protocols.items()
    }
    assert counts == {"a->b": (3 * 8, 5 * 8), "b->a": (5 * 8, 3 * 8)}


def test_without_images_of_one_side_nothing_is_measured(tmp_path: Path) -> None:
    evaluation = Evaluation.of(unpaired(tmp_path, {"testA": 2, "testB": 0}))
    assert not evaluation.possible
    assert evaluation.measure({}) == {}


def test_one_way_has_no_way_back() -> None:
    job = tiny_job(
        method={"type": "pix2pix"},
        losses={"cycle": None, "identity": None, "l1": {}},
        data={"pairs": True},
    )
    scores = Evaluation.of(job).measure(job.method.generators)
    assert [set(metrics) for metrics in scores.values()] == [{"psnr", "ssim", "l1", "swd"}]


def test_a_metric_that_knows_nothing_of_what_is_new_goes_on_as_it_was() -> None:
    """As plugins were written before there were real images, ways back and intervals."""
    evaluation = Evaluation.of(tiny_job())
    metric = Old(Old.Config())
    evaluation.metrics = {"old": metric.config}
    evaluation.bootstrap = True
    generators: Any = {"ab": Darker(0.5), "ba": Darker(0.5)}
    for scores in evaluation.measure(generators).values():
        assert scores["old"].keys() == {"value", "doing_nothing"}
        assert scores["old"]["value"] == pytest.approx(scores["old"]["doing_nothing"] - 0.5)
        assert scores["old.images"] == {"value": 2.0, "doing_nothing": 2.0}


class Old(Metric):
    """The mean of translations."""

    name = "old"

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.seen: list[Tensor] = []

    def update(self, images: Translated) -> None:
        self.seen.append(images.fake)

    def compute(self) -> dict[str, float]:
        seen = torch.cat(self.seen)
        return {"old": float(seen.mean()), "images": float(len(seen))}


def test_all_that_is_looked_at_is_told() -> None:
    evaluation = Evaluation.of(tiny_job(data={"test": 3}))
    told: list[int] = []
    evaluation.advance = told.append
    generators: Any = {"ab": Darker(0.5), "ba": Darker(0.5)}
    evaluation.measure(generators)
    assert sum(told) == evaluation.work == 2 * 2 * 3  # two ways, and doing nothing
