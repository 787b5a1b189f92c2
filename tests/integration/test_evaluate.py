"""`gantrans evaluate`, on a run that trained for an instant."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

import gantrans
from gantrans.inference.weights import load_generator, read_header, save_weights
from gantrans.plugin.manager import load_registry
from gantrans.spec.load import load
from gantrans.training import judge as judging
from gantrans.training.assemble import assemble
from gantrans.training.evaluate import Evaluation

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, tiny: str) -> Path:
    """A run directory, not to be changed; its test images are pairs."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "tiny.toml").write_text(tiny)
    settings = ["data.test=3", "train.batch_size=2"]
    return gantrans.run(
        folder / "tiny.toml", settings=settings, run_dir=folder / "run", device="cpu"
    ).path


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A spec of two folders without pairs, and only what evaluating needs."""
    for number, (name, count) in enumerate(
        {"testA": 3, "testB": 4, "trainA": 1, "trainB": 1}.items()
    ):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for index in range(count):
            noise = torch.rand(
                20, 24, 3, generator=torch.Generator().manual_seed(9 * number + index)
            )
            picture = Image.fromarray((noise * 255).to(torch.uint8).numpy())
            picture.save(tmp_path / "photos" / name / f"{index}.png")
    spec = tmp_path / "photos.toml"
    spec.write_text('[data]\ntype = "unpaired_folder"\nroot = "photos"\n')
    return spec


def found(command: Command, *arguments: Any) -> dict[str, Any]:
    code, out, err = command("evaluate", *map(str, arguments), "--device", "cpu", "--json")
    assert code == 0, err
    return dict(json.loads(out))


def complaint(command: Command, *arguments: Any) -> str:
    code, out, err = command("evaluate", *map(str, arguments), "--device", "cpu")
    assert code in (1, 2) and out == "" and len(err.splitlines()) == 1, err
    return err


def test_every_number_comes_with_both_baselines_and_an_interval(
    command: Command, trained: Path
) -> None:
    report = found(command, trained)
    assert report["format_version"] == 1
    assert set(report["scores"]) == {"summer->winter", "winter->summer"}
    for scores in report["scores"].values():
        assert set(scores) == {"psnr", "ssim", "l1", "swd", "cycle"}
        for name, score in scores.items():
            low, high = score["interval"]
            assert low < score["value"] < high, name
            assert low >= 0 or name == "ssim", name
            both = set() if name == "cycle" else {"input_unchanged", "mean_image"}
            assert set(score["baselines"]) == both
    assert report["left_out"] == {}
    [warning] = report["warnings"]
    assert warning.startswith("the intervals are too narrow: 3 images are few, 20 or more")


def test_of_twenty_images_no_interval_is_said_to_be_too_narrow(
    command: Command, trained: Path
) -> None:
    for count, warnings in ((20, 0), (19, 1), (1, 0)):  # a single image has no interval
        arguments = ["--metrics", "l1", "--set", f"data.test={count}"]
        assert len(found(command, trained, *arguments)["warnings"]) == warnings


def test_the_way_back_is_measured_unless_the_metrics_are_named_at_the_command(
    command: Command, trained: Path, photos: Path
) -> None:
    with photos.open("a") as spec:
        spec.write("[metrics.swd]\n")

    def measured(*arguments: Any) -> list[str]:
        return list(found(command, *arguments)["scores"]["summer->winter"])

    assert measured(trained, "--data", photos) == ["swd", "cycle"]
    assert measured(trained, "--data", photos, "--metrics", "swd") == ["swd"]
    assert measured(trained, "--set", "metrics={}") == ["cycle"]
    under_another_key = ["--set", 'metrics={back={type="cycle"}}']
    assert measured(trained, *under_another_key) == ["back"]
    [one_way] = (trained / "checkpoints").glob("step-*06/generator_ab.safetensors")
    report = found(command, one_way, "--data", photos)
    assert list(report["scores"]["summer->winter"]) == ["swd"] and report["left_out"] == {}


def test_the_numbers_are_those_of_the_best_checkpoint_as_training_measures_them(
    command: Command, trained: Path
) -> None:
    job = assemble(load(trained / "spec.toml", settings=["data.test=3"]), torch.device("cpu"))
    best = trained / "checkpoints" / (trained / "checkpoints" / "best").read_text().strip()
    generators: Any = {
        d: load_generator(best / f"generator_{d}.safetensors", load_registry(), "cpu")[0]
        for d in ("ab", "ba")
    }
    expected = Evaluation.of(job).measure(generators)
    scores = found(command, trained)["scores"]
    for direction, metrics in expected.items():
        for name, score in metrics.items():
            assert scores[direction][name]["value"] == pytest.approx(score["value"], rel=1e-4)


def test_the_protocol_has_all_that_is_needed_to_measure_again(
    command: Command, trained: Path
) -> None:
    one = found(command, trained, "--metrics", "swd", "--set", "metrics.swd.patches=16")
    protocol = one["protocol"]
    assert protocol["split"] == "test" and protocol["paired"] is True
    assert protocol["images"] == {"summer": 3, "winter": 3}
    assert protocol["data"]["type"] == "seasons" and protocol["data"]["size"] == 16
    assert protocol["data"]["transform"]["crop"] is None
    swd = protocol["metrics"]["swd"]
    assert (swd["patches"], swd["seed"]) == (16, 0)
    assert list(protocol["measured"]) == list(one["scores"])
    for said in protocol["measured"].values():
        assert said["swd"]["levels"] == 1
        assert said["swd"]["patches_of_translations"] == 3 * 16
        assert said["swd"]["patches_of_real_images"] == 3 * 16
    assert protocol["interval"]["share"] == 0.95
    best = trained / "checkpoints" / (trained / "checkpoints" / "best").read_text().strip()
    assert protocol["model"]["files"] == {
        file.name: sha256(file.read_bytes()).hexdigest() for file in best.glob("generator_*")
    }
    again = found(command, trained, "--metrics", "swd", "--set", "metrics.swd.patches=16")
    assert again == one


def test_other_data_without_pairs_are_measured_by_what_they_allow(
    command: Command, trained: Path, photos: Path
) -> None:
    report = found(command, trained, "--data", photos)
    assert report["protocol"]["images"] == {"summer": 3, "winter": 4}
    for scores in report["scores"].values():
        assert set(scores) == {"swd", "cycle"}
    assert set(report["left_out"]) == {"psnr", "ssim", "l1"}


def test_where_training_images_are_missing_that_baseline_is_left_out_and_said(
    command: Command, trained: Path, photos: Path
) -> None:
    (photos.parent / "photos" / "trainB" / "0.png").unlink()
    report = found(command, trained, "--data", photos, "--metrics", "swd")
    names = {way: set(scores["swd"]["baselines"]) for way, scores in report["scores"].items()}
    assert names == {
        "summer->winter": {"input_unchanged"},
        "winter->summer": {"input_unchanged", "mean_image"},
    }
    assert any("mean training image of winter" in warning for warning in report["warnings"])


def test_a_spec_for_the_data_may_name_the_metrics_and_another_split(
    command: Command, trained: Path, photos: Path
) -> None:
    with photos.open("a") as spec:
        spec.write("[metrics.cycle]\n")
    report = found(command, trained, "--data", photos, "--split", "train")
    assert [set(scores) for scores in report["scores"].values()] == [{"cycle"}] * 2
    assert report["protocol"]["images"] == {"summer": 1, "winter": 1}
    # A single image says nothing of others.
    assert all("interval" not in scores["cycle"] for scores in report["scores"].values())


def test_a_generator_file_alone_is_judged_with_data(
    command: Command, trained: Path, photos: Path, tmp_path: Path
) -> None:
    [folder] = [f.parent for f in (trained / "checkpoints").glob("step-*06/generator_ab*")]
    shutil.copy(folder / "generator_ab.safetensors", tmp_path / "mine.safetensors")
    report = found(command, tmp_path / "mine.safetensors", "--data", photos)
    assert list(report["scores"]) == ["summer->winter"]
    assert set(report["scores"]["summer->winter"]) == {"swd"}
    assert "a way back" in report["left_out"]["cycle"]
    said = complaint(command, tmp_path / "mine.safetensors")
    assert "not part of a run" in said and "--data SPEC" in said


def test_a_checkpoint_folder_of_a_run_has_the_runs_data(command: Command, trained: Path) -> None:
    [folder] = (trained / "checkpoints").glob("step-*06")
    report = found(command, folder, "--metrics", "l1")
    assert report["protocol"]["model"]["step"] == 6
    assert report["protocol"]["images"] == {"summer": 3, "winter": 3}


def test_the_table_has_a_line_for_each_number_and_says_what_is_left_out(
    command: Command, trained: Path, photos: Path
) -> None:
    code, out, _ = command("evaluate", str(trained), "--data", str(photos), "--device", "cpu")
    assert code == 0
    lines = out.splitlines()
    assert lines[0] == "test images: 3 of summer and 4 of winter"
    assert "summer to winter" in lines and "winter to summer" in lines
    for words in ("swd ", "cycle ", "input unchanged", "mean image", "95 % interval"):
        assert sum(words in line for line in lines) == 2, words
    assert "not measured: psnr, it needs pairs, and these data have none" in lines


def test_it_is_also_written_to_a_file_that_is_not_replaced_unasked(
    command: Command, trained: Path, tmp_path: Path
) -> None:
    out = tmp_path / "report.json"
    arguments = [trained, "--metrics", "l1", "--out", out]
    report = found(command, *arguments)
    assert json.loads(out.read_text()) == report
    assert "exists" in complaint(command, *arguments)
    assert found(command, *arguments, "--overwrite") == report
    assert list(tmp_path.iterdir()) == [out]


def test_a_name_may_be_as_long_as_names_can_be(
    command: Command, trained: Path, tmp_path: Path
) -> None:
    out = tmp_path / f"{'n' * 245}.json"
    report = found(command, trained, "--metrics", "l1", "--out", out)
    assert json.loads(out.read_text()) == report


@pytest.mark.parametrize(
    ("out", "words"),
    [
        ("no/report.json", "there is no folder .*no"),
        ("a.toml/report.json", "there is no folder .*a.toml"),
        (".", "is a folder, where a file would be written"),
        (f"{'n' * 300}.json", "cannot write .*too long"),
    ],
)
def test_where_nothing_can_be_written_is_said_before_measuring(
    command: Command,
    trained: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    out: str,
    words: str,
) -> None:
    monkeypatch.setattr(judging, "judge", None)  # whose call would be no message
    (tmp_path / "a.toml").touch()
    said = complaint(command, trained, "--overwrite", "--out", tmp_path / out)
    assert re.search(words, said)
    assert [path.name for path in tmp_path.iterdir()] == ["a.toml"]


def test_a_disk_that_is_full_at_the_end_is_one_message_and_leaves_the_file_there_was(
    command: Command, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "report.json"
    out.write_text("earlier")

    def full(self: Path, *_: Any, **__: Any) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    said = complaint(command, trained, "--metrics", "l1", "--out", out, "--overwrite")
    assert said == f"error: cannot write {out}: No space left on device\n"
    assert out.read_text() == "earlier" and list(tmp_path.iterdir()) == [out]


def test_too_few_images_for_a_number_that_can_be_compared_are_warned_of(
    command: Command, trained: Path, tmp_path: Path
) -> None:
    plugin = tmp_path / "wanting.py"
    plugin.write_text(
        "from gantrans.api.image_metric import ImageMetric\n"
        "class Wanting(ImageMetric):\n"
        '    """The mean of translations."""\n'
        '    name = "wanting"\n'
        "    enough = 2000\n"
        "    def values(self, images):\n"
        "        return images.fake.mean(dim=(1, 2, 3))\n"
    )
    report = found(command, trained, "--plugin", plugin, "--metrics", "wanting,l1")
    warning = report["warnings"][0]
    assert warning.startswith("wanting: 3 images are few, 2000 or more")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--set", "data.test=0"], "there are no test images of summer: .*--split train"),
        (["--metrics", "sdw"], "--metrics sdw: .*'swd'"),
        (["--set", "metrics.sdw={}"], "--set metrics.sdw: .*'swd'"),
        (["--metrics", "swd", "--set", "metrics.swd.patches=0"], "--set metrics.swd.patches"),
        (["--set", "domains.a=x"], "--set domains.a=x: .*as the model calls them"),
        (["--set", "domains={a='x', b='y'}"], "as the model calls them"),
        (["--metrics", "swd,,l1"], "names with commas between"),
        (["--set", "metrics.swd.patches=0"], "metrics.swd.patches"),
    ],
)
def test_what_cannot_be_measured_is_one_message(
    command: Command, trained: Path, arguments: list[str], words: str
) -> None:
    assert re.search(words, complaint(command, trained, *arguments))


def test_one_way_without_metrics_there_is_nothing_to_measure(
    command: Command, trained: Path, photos: Path
) -> None:
    [file] = (trained / "checkpoints").glob("step-*06/generator_ab.safetensors")
    said = complaint(command, file, "--data", photos, "--set", "metrics={}")
    assert "there is no metric to measure" in said


def test_a_metric_that_was_asked_for_and_needs_pairs_is_an_error(
    command: Command, trained: Path, photos: Path
) -> None:
    said = complaint(command, trained, "--data", photos, "--metrics", "swd,psnr")
    assert "psnr cannot be measured: it needs pairs" in said


def test_data_with_other_channels_are_refused(
    command: Command, trained: Path, photos: Path
) -> None:
    photos.write_text(photos.read_text() + "channels = { b = 1 }\n")
    said = complaint(command, trained, "--data", photos)
    assert "images of winter" in said and "3 channels" in said and "have 1" in said


def test_exchanged_domains_are_noticed(command: Command, trained: Path, photos: Path) -> None:
    photos.write_text(photos.read_text() + '[domains]\na = "winter"\nb = "summer"\n')
    assert "the other way round" in complaint(command, trained, "--data", photos)


def test_images_smaller_than_a_patch_are_one_message(
    command: Command, trained: Path, photos: Path
) -> None:
    photos.write_text(photos.read_text() + "transform = { resize = [24, 5] }\n")
    assert "24 x 5 pixels is too small" in complaint(command, trained, "--data", photos)


def test_a_generator_that_gives_no_numbers_is_one_message(
    command: Command, trained: Path, photos: Path, tmp_path: Path
) -> None:
    [file] = (trained / "checkpoints").glob("step-*06/generator_ab.safetensors")
    tensors = {name: torch.full_like(t, float("nan")) for name, t in load_file(file).items()}
    save_weights(tmp_path / "nan.safetensors", tensors, read_header(file))
    said = complaint(command, tmp_path / "nan.safetensors", "--data", photos)
    assert "swd of summer->winter is nan" in said and "earlier checkpoint" in said


def test_a_damaged_test_image_is_named(command: Command, trained: Path, photos: Path) -> None:
    (photos.parent / "photos" / "testB" / "2.png").write_bytes(b"no image")
    assert "testB/2.png" in complaint(command, trained, "--data", photos)


def test_a_folder_that_is_no_model_is_one_message(command: Command, tmp_path: Path) -> None:
    assert "no generator_*.safetensors" in complaint(command, tmp_path)
    assert "there is no" in complaint(command, tmp_path / "absent")
    (tmp_path / "thesis.txt").write_text("five years of work")
    assert "no safetensors file" in complaint(command, tmp_path / "thesis.txt")
