from __future__ import annotations

import math
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from gantrans.api.image import to_image
from gantrans.api.metric import Metric, Translated
from gantrans.builtins.metrics.swd import SWD
from gantrans.errors import DataError
from gantrans.spec.load import load
from gantrans.training import evaluate, evaluation_loader
from gantrans.training.assemble import assemble
from gantrans.training.caching import open_caches
from gantrans.training.evaluate import Evaluation
from gantrans.training.evaluation_images import EvaluationImages, evaluation_image
from gantrans.training.mean_image import chosen, mean_image
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
        # A generator that changes nothing is exactly as good as the unchanged input.
        assert score["baselines"]["input_unchanged"] == score["value"]
        assert list(scores[direction]) == ["psnr", "ssim", "l1", "swd", "cycle"]
        source, target = (summer, winter) if direction == "summer->winter" else (winter, summer)
        assert score_of_sets(source, target) == pytest.approx(
            scores[direction]["swd"]["value"], rel=1e-4
        )
        # The way back of a baseline says nothing.
        assert scores[direction]["cycle"] == {"value": 0.0, "baselines": {}}
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


def unpaired(
    tmp_path: Path,
    count: dict[str, int],
    *,
    data: Any = None,
    transform: Any = None,
    cache_gib: float = 0,
    **changes: Any,
) -> Any:
    """A job of two folders of noise; each domain has as many test images as `count` says."""
    for number, (folder, images) in enumerate({"trainA": 2, "trainB": 2, **count}.items()):
        (tmp_path / folder).mkdir()
        for index in range(images):
            stream = torch.Generator().manual_seed(10 * number + index)
            to_image(torch.rand(3, 32, 32, generator=stream) * 2 - 1).save(
                tmp_path / folder / f"{index}.png"
            )
    spec = tiny_spec(**changes)
    table = {"type": "unpaired_folder", "root": str(tmp_path), "workers": 0, "cache_gib": cache_gib}
    table |= {"transform": transform or {}, **(data or {})}
    return assemble(load({**spec, "data": table}), torch.device("cpu"))


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
        baselines = scores[direction]["swd"]["baselines"]
        untouched = score_of_sets(a if direction == "a->b" else b, reals)
        assert baselines["input_unchanged"] == pytest.approx(untouched, rel=1e-4)
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
        assert scores["old"].keys() == {"value", "baselines"}
        untouched = scores["old"]["baselines"]["input_unchanged"]
        assert scores["old"]["value"] == pytest.approx(untouched - 0.5)
        counts = {"input_unchanged": 2.0, "mean_image": 2.0}
        assert scores["old.images"] == {"value": 2.0, "baselines": counts}


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
    assert sum(told) == evaluation.work == 2 * (3 + 6)  # two ways, and training images of each


# The mean image


def plain_mean(job: Any, domain: Any) -> Tensor:
    """The mean of a domain's training images (1, C, H, W), worked out in another way."""
    source = job.dataset.source("train", domain)
    images = [evaluation_image(job.dataset, source, domain, i) for i in range(len(source))]
    return torch.stack(images).double().mean(dim=0, keepdim=True).float()


def test_the_mean_training_image_of_the_target_is_a_baseline_that_ignores_the_input() -> None:
    # Drawn at 32 px, so that training images are zoomed, mirrored and cropped elsewhere.
    transform = {"resize": 28, "crop": 24, "zoom": [0.9, 1.5]}
    scores, job, _ = measured(data={"test": 3, "transform": transform})
    for way, source, target in (("summer->winter", "a", "b"), ("winter->summer", "b", "a")):
        sources, truths = prepared(job, source), prepared(job, target)
        means = plain_mean(job, target).repeat(3, 1, 1, 1)
        assert means.shape == sources.shape == (3, 3, 24, 24)
        for outputs, name in ((sources, "input_unchanged"), (means, "mean_image")):
            values = {key: score["baselines"].get(name) for key, score in scores[way].items()}
            errors = ((outputs - truths) / 2).square().mean(dim=(1, 2, 3))
            psnr = sum(-10 * math.log10(error) for error in errors.tolist()) / 3
            assert values["psnr"] == pytest.approx(psnr, rel=1e-5)
            assert values["l1"] == pytest.approx(127.5 * float((outputs - truths).abs().mean()))
            assert values["swd"] == pytest.approx(score_of_sets(outputs, truths), rel=1e-4)
            assert values["cycle"] is None


def test_the_baselines_are_measured_once_and_the_same_in_another_session(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: list[Any] = []
    whole = evaluate.mean_image
    monkeypatch.setattr(
        evaluate, "mean_image", lambda *a, **k: calls.append(a[1]) or whole(*a, **k)
    )
    generators: Any = {"ab": Darker(0.1), "ba": Darker(0.3)}
    evaluation = Evaluation.of(tiny_job(metrics={"l1": {}}))
    first, second = evaluation.measure(generators), evaluation.measure(generators)
    assert first == second and calls == ["b", "a"]
    assert Evaluation.of(tiny_job(metrics={"l1": {}})).measure(generators) == first  # bit for bit


def test_of_many_training_images_evenly_spaced_ones_are_averaged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert chosen(5) == [0, 1, 2, 3, 4] and len(set(chosen(3000))) == 1000
    monkeypatch.setattr("gantrans.training.mean_image.AT_MOST", 3)
    assert chosen(9) == [0, 3, 6]
    job = tiny_job()
    source = job.dataset.source("train", "a")
    some = [evaluation_image(job.dataset, source, "a", i) for i in (0, 2, 4)]  # of 6
    found = mean_image(EvaluationImages.of(job.dataset, "train", ["a"]), "a")
    assert torch.equal(found, torch.stack(some).double().mean(dim=0).float())


def test_images_of_several_sizes_have_a_mean_of_the_size_of_the_first(tmp_path: Path) -> None:
    job = unpaired(tmp_path, {"testA": 2, "testB": 2})
    wide = Image.new("RGB", (64, 16), (255, 0, 0))
    wide.save(tmp_path / "trainB" / "9.png")
    images = EvaluationImages.of(job.dataset, "train", ["b"])
    assert mean_image(images, "b").shape == (3, 32, 32)
    wide.save(tmp_path / "testA" / "9.png")
    scores = Evaluation.of(job).measure({"ab": Darker(0.1), "ba": Darker(0.3)})  # type: ignore[dict-item]
    assert "mean_image" in scores["a->b"]["swd"]["baselines"]


def test_domains_with_other_channels_have_the_mean_image_alone(tmp_path: Path) -> None:
    job = unpaired(
        tmp_path, {"testA": 2, "testB": 2}, data={"channels": {"b": 1}}, losses={"identity": None}
    )
    generators: Any = {"ab": Gray(), "ba": Colour()}
    for scores in Evaluation.of(job).measure(generators).values():
        assert scores["swd"]["baselines"].keys() == {"mean_image"}


class Gray(Unchanged):
    """3 -> 1 channels."""

    def forward(self, x: Tensor) -> Tensor:
        return x[:, :1]


class Colour(Unchanged):
    """1 -> 3 channels."""

    def forward(self, x: Tensor) -> Tensor:
        return x.repeat(1, 3, 1, 1)


def test_without_training_images_that_baseline_is_left_out_and_said(tmp_path: Path) -> None:
    job = unpaired(tmp_path, {"testA": 2, "testB": 2})
    (tmp_path / "trainA" / "1.png").write_bytes(b"no image")
    for image in (tmp_path / "trainB").iterdir():
        image.unlink()
    said: list[str] = []
    evaluation = Evaluation(job.spec, job.dataset, ["ab", "ba"], job.device, say=said.append)
    generators: Any = {"ab": Darker(0.1), "ba": Darker(0.3)}
    for scores in evaluation.measure(generators).values():
        assert scores["swd"]["baselines"].keys() == {"input_unchanged"}
    assert set(evaluation.unknown_means) == {"a", "b"} and len(said) == 2
    assert "1.png" in evaluation.unknown_means["a"]


@pytest.mark.parametrize("result", [float("nan"), ZeroDivisionError("no variance")])
def test_what_a_metric_cannot_compute_of_a_constant_output_is_left_out(
    monkeypatch: pytest.MonkeyPatch, result: Any
) -> None:
    def compute(metric: Old) -> dict[str, float]:
        seen = torch.cat(metric.seen)
        if not torch.equal(seen, seen[:1].expand_as(seen)):
            return {"old": 1.0}
        if isinstance(result, Exception):
            raise result
        return {"old": float(result)}

    monkeypatch.setattr(Old, "compute", compute)
    evaluation = Evaluation.of(tiny_job())
    evaluation.metrics = {"old": Old(Old.Config()).config}
    generators: Any = {"ab": Darker(0.5), "ba": Darker(0.5)}
    for scores in evaluation.measure(generators).values():
        assert scores["old"]["baselines"] == {"input_unchanged": 1.0}


# Reading


@pytest.mark.parametrize("transform", [{"resize": 20, "crop": 16}, {"crop": 16, "zoom": [1, 1.5]}])
def test_metrics_are_the_same_bit_for_bit_with_a_cache_and_with_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, transform: Any
) -> None:
    monkeypatch.setenv("GANTRANS_CACHE", str(tmp_path / "cache"))
    few: Any = {"swd": {"patches": 8, "directions": 8}}
    counts = {"testA": 3, "testB": 5}
    job = unpaired(tmp_path, counts, transform=transform, cache_gib=1, metrics=few)
    generators: Any = {"ab": Darker(0.1), "ba": Darker(0.3)}
    plain = Evaluation.of(job).measure(generators)

    monkeypatch.setattr(evaluation_loader, "FEW", 0)
    several = Evaluation.of(job)
    several.images = replace(several.images, workers=1)
    assert several.measure(generators) == plain
    monkeypatch.setattr(evaluation_loader, "DataLoader", None)  # whose call would fail

    kept = Evaluation.of(job)
    sources = {"train": job.samples.sources, "test": kept.images.images.sources}
    kept.use_caches(open_caches(job, sources, say=lambda line: None))
    kinds = ["test"] if "zoom" in transform else ["test", "train"]  # a zoom needs all pixels
    for folder in (tmp_path / f"{kind}{domain}" for kind in kinds for domain in "AB"):
        shutil.rmtree(folder)
    assert kept.measure(generators) == plain


def test_a_damaged_test_image_is_named_by_a_loading_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluation_loader, "FEW", 0)
    job = unpaired(tmp_path, {"testA": 3, "testB": 3})
    (tmp_path / "testA" / "1.png").write_bytes(b"no image")
    evaluation = Evaluation.of(job)
    evaluation.images = replace(evaluation.images, workers=1)
    with pytest.raises(DataError, match=r"cannot read the image .*1\.png"):
        evaluation.measure({"ab": Darker(0.1), "ba": Darker(0.3)})  # type: ignore[dict-item]
