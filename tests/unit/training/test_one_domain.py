"""A method that translates nothing, reads one domain and makes a network of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from gantrans.errors import DataError, SpecError
from gantrans.spec.load import load
from gantrans.training.assemble import Job, assemble
from gantrans.training.ema import WeightAverage
from gantrans.training.evaluate import Evaluation
from gantrans.training.samples import SampleImages
from gantrans.training.session import first_batch, rehearse, run
from gantrans.training.step import TrainingStep
from one_domain import spec
from tiny_run import steps_of


def job_of(folder: Path, **changes: Any) -> Job:
    return assemble(load(spec(folder, **changes)), torch.device("cpu"))


def weights(job: Job) -> dict[str, torch.Tensor]:
    return {
        f"{name}.{key}": weight.detach().clone()
        for name, network in job.method.networks.items()
        for key, weight in network.named_parameters()
    }


@pytest.mark.parametrize("domain", ["a", "b"])
def test_images_of_the_other_domain_are_not_even_asked_for(domain: str, tmp_path: Path) -> None:
    table = spec(
        tmp_path,
        method={"type": "sampler", "domain": domain},
        data={"type": "one_sided", "has": domain, "workers": 0},
        domains={"a": "summer", "b": "winter"},
    )
    job = assemble(load(table), torch.device("cpu"))
    assert list(job.samples.sources) == [domain]
    assert not job.samples.paired
    assert job.steps_per_epoch == 3
    step = TrainingStep(job)
    before = weights(job)
    name = "summer" if domain == "a" else "winter"
    for number, loaded in enumerate(steps_of(job, 2)):
        assert {read for batch in loaded for read in batch.real} == {domain}
        made, judged = step(number, loaded)
        assert made.startswith("maker/adversarial/") and made.endswith(name)
        assert judged == f"judge/adversarial/{name}"
    assert all(not torch.equal(now, before[key]) for key, now in weights(job).items())


def test_what_needs_translations_is_left_out_and_what_it_draws_is_shown(tmp_path: Path) -> None:
    job = job_of(tmp_path, train={"epochs": 2, "samples": 2})
    step = TrainingStep(job)
    assert step.translators() == {}
    assert not Evaluation.of(job).possible
    samples = SampleImages(job)
    picture = samples.picture(step.translators(), step.for_use())
    assert picture.width >= 2 * 32
    assert picture.tobytes() == samples.picture(step.translators(), step.for_use()).tobytes()
    other = job_of(tmp_path, seed=1)
    assert picture.tobytes() != SampleImages(other).picture({}, other.method.networks).tobytes()


def test_its_own_network_starts_as_built_whatever_init_says(tmp_path: Path) -> None:
    """From torch's generator, which the run's seed sets; `[init]` is for components."""
    first, again, other = (
        weights(job_of(tmp_path, **more)) for more in ({}, {"init": {"gain": 1.0}}, {"seed": 1})
    )
    maker = "maker.0.weight"
    assert torch.equal(first[maker], again[maker])
    assert not torch.equal(first[maker], other[maker])
    assert first[maker].abs().max() <= 4**-0.5  # torch's own: uniform up to 1 / sqrt(inputs)
    assert not torch.equal(first["judge.layers.0.weight"], again["judge.layers.0.weight"])
    more = weights(job_of(tmp_path, losses={"adversarial": {}, "r1": {}}))
    assert torch.equal(first[maker], more[maker])  # whatever else was built before


def test_the_networks_that_the_method_names_are_averaged(tmp_path: Path) -> None:
    step = TrainingStep(job_of(tmp_path, train={"epochs": 2, "ema": 0.5}))
    assert list(step.averages) == ["maker"]
    assert isinstance(step.averages["maker"], WeightAverage)
    mean = {k: w.clone() for k, w in step.method.networks["maker"].state_dict().items()}
    for number, loaded in enumerate(steps_of(step.job, 3)):
        step(number, loaded)
        decay = min(0.5, (2 + number) / (11 + number))
        for key, weight in step.method.networks["maker"].state_dict().items():
            mean[key] = decay * mean[key] + (1 - decay) * weight
    used = step.for_use()
    assert used["judge"] is step.method.networks["judge"]
    for key, weight in used["maker"].state_dict().items():
        assert torch.allclose(weight, mean[key], rtol=1e-5, atol=1e-8), key


@pytest.mark.parametrize("decay", [0.0, 0.9])
def test_it_goes_on_from_its_state_bit_for_bit(decay: float, tmp_path: Path) -> None:
    whole, first, second = (
        TrainingStep(job_of(tmp_path, train={"epochs": 2, "ema": decay})) for _ in range(3)
    )
    steps = list(enumerate(steps_of(whole.job, 3)))
    for number, batches in steps:
        whole(number, batches)
    for number, batches in steps[:2]:
        first(number, batches)
    second.load_state({n: w.state_dict() for n, w in first.for_use().items()}, first.state())
    second(*steps[2])
    for name, network in whole.for_use().items():
        for key, weight in network.state_dict().items():
            assert torch.equal(second.for_use()[name].state_dict()[key], weight), (name, key)


def test_a_whole_run_a_rehearsal_and_a_look_at_its_data_work(tmp_path: Path) -> None:
    table = spec(tmp_path, name="made", train={"epochs": 1, "sample_every": 2})
    result = run(table, run_dir=tmp_path / "run", device="cpu")
    assert (result.steps, result.metrics) == (3, {})
    newest = tmp_path / "run" / "checkpoints" / "step-00000003"
    files = sorted(file.name for file in newest.glob("*.safetensors"))
    assert files == ["judge.safetensors", "maker.safetensors", "training.safetensors"]
    assert len(list((tmp_path / "run" / "samples").iterdir())) == 2
    assert any(line.startswith("  maker") for line in rehearse(table, device="cpu"))
    assert first_batch(table).width > 32


def test_a_generator_table_that_it_makes_no_use_of_is_refused(tmp_path: Path) -> None:
    usual = load(spec(tmp_path)).run.generator
    for generator in ({"type": "unet"}, {"type": "resnet", "width": 32}):
        with pytest.raises(SpecError) as caught:
            job_of(tmp_path, generator=generator)
        assert caught.value.problems == (
            "spec: generator: the method 'sampler' makes no use of it: remove this table",
        )
    job_of(tmp_path, generator={"type": usual.component.name})  # what would be there anyway


def test_a_loss_that_reads_features_is_refused_as_it_has_none(tmp_path: Path) -> None:
    losses = {"adversarial": {}, "patch_nce": {"identity": False}}
    with pytest.raises(SpecError) as caught:
        job_of(tmp_path, losses=losses)
    assert caught.value.problems == (
        "spec: losses.patch_nce: it requires 'features', which the method 'sampler' lacks "
        "(it has fake)",
    )


def refusals(folder: Path, **changes: Any) -> tuple[str, ...]:
    with pytest.raises(SpecError) as caught:
        job_of(folder, **changes)
    return caught.value.problems


def test_a_plateau_of_translations_is_refused_where_there_are_none(tmp_path: Path) -> None:
    [said] = refusals(tmp_path, train={"decay": "plateau"})
    assert "train.decay: a plateau is one of a metric of translations, and 'sampler'" in said


def test_what_the_unread_domain_would_be_cut_to_does_not_matter(tmp_path: Path) -> None:
    """Test scenes of seasons are pairs, which a method of one domain does not compare."""
    cut = {"crop": 32, "a": {"crop": 24}}
    job = job_of(tmp_path, data={"type": "seasons", "size": 32, "workers": 0, "transform": cut})
    assert list(job.samples.sources) == ["b"]


def test_images_of_another_size_than_the_method_takes_are_refused_by_their_crop(
    tmp_path: Path,
) -> None:
    sized = spec(tmp_path)
    plugin = Path(sized["plugins"][0])
    text = plugin.read_text().replace(
        "    def __init__(self, config, *, parts):",
        "    Config.side = property(lambda self: 32)\n\n    def __init__(self, config, *, parts):",
        1,
    )
    plugin.write_text(text)
    wrong = {**sized, "data": {**sized["data"], "transform": {"crop": 24}}}
    with pytest.raises(SpecError, match=r"data.transform.crop: .*takes images of 32 px, not 24"):
        load_and_assemble(wrong)
    smaller = {**sized, "data": {**sized["data"], "transform": {"resize": 24}}}
    with pytest.raises(DataError, match=r"24 x 24 pixels .* takes 32 x 32"):
        load_and_assemble(smaller)
    load_and_assemble({**sized, "data": {**sized["data"], "transform": {"crop": 32}}})


def load_and_assemble(table: dict[str, Any]) -> Job:
    return assemble(load(table), torch.device("cpu"))
