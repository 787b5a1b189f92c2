from __future__ import annotations

import io
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError
from tensorboard.backend.event_processing import plugin_event_accumulator
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch.utils.tensorboard import SummaryWriter

import gantrans
from gantrans_tensorboard.tensorboard import TensorBoard


def tracker(run_dir: Path, start_step: int = 0, **settings: Any) -> TensorBoard:
    built: TensorBoard = TensorBoard.Config(**settings).build(
        run_dir=run_dir, start_step=start_step
    )
    return built


def recorded(folder: Path) -> EventAccumulator:
    """What TensorBoard reads in a folder of event files, without thinning."""
    everything = {"scalars": 0, "images": 0, "tensors": 0}
    return EventAccumulator(str(folder), size_guidance=everything).Reload()


def as_tensorboard_shows(folder: Path) -> plugin_event_accumulator.EventAccumulator:
    """The reader behind TensorBoard's pages, which unlike the other forgets texts too."""
    everything = {"tensors": 0}
    reader = plugin_event_accumulator.EventAccumulator(str(folder), everything)
    return reader.Reload()


def curve(found: EventAccumulator, name: str) -> list[tuple[int, float]]:
    return [(point.step, point.value) for point in found.Scalars(name)]


def text(found: EventAccumulator, name: str) -> list[tuple[int, str]]:
    tensors = found.Tensors(f"{name}/text_summary")
    return [(t.step, t.tensor_proto.string_val[0].decode()) for t in tensors]


def test_curves_keep_their_names_steps_and_values(tmp_path: Path) -> None:
    written = tracker(tmp_path)
    written.scalars(20, {"generators/cycle/summer": 0.5, "metrics/psnr/summer->winter": 19.5})
    written.scalars(40, {"generators/cycle/summer": 0.25})
    written.close()

    found = recorded(tmp_path / "tensorboard")
    assert curve(found, "generators/cycle/summer") == [(20, 0.5), (40, 0.25)]
    assert curve(found, "metrics/psnr/summer->winter") == [(20, 19.5)]


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_picture_comes_back_pixel_by_pixel(mode: str, tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    image = Image.fromarray(pixels).convert(mode)
    written = tracker(tmp_path)
    written.images(20, "samples", image)
    written.close()

    [event] = recorded(tmp_path / "tensorboard").Images("samples")
    back = Image.open(io.BytesIO(event.encoded_image_string))
    assert (event.step, event.width, event.height) == (20, 40, 30)
    assert back.convert("RGB").tobytes() == image.convert("RGB").tobytes()


def test_the_spec_is_shown_as_it_is_written(tmp_path: Path) -> None:
    """Markdown takes lines that begin with four spaces as they are, blank ones included."""
    (tmp_path / "spec.toml").write_text('name = "*x*"\n\n[train]\n', encoding="utf-8")
    (tmp_path / "spec.resolved.json").write_text('{"seed": 0}\n', encoding="utf-8")
    tracker(tmp_path).close()

    found = recorded(tmp_path / "tensorboard")
    assert text(found, "spec.toml") == [(1, '    name = "*x*"\n    \n    [train]\n')]
    assert text(found, "spec.resolved.json") == [(1, '    {"seed": 0}\n')]


@pytest.mark.parametrize("resumed_at", [0, 20, 40])
def test_a_resumed_run_forgets_what_will_be_done_again(resumed_at: int, tmp_path: Path) -> None:
    (tmp_path / "spec.toml").write_text("seed = 0\n", encoding="utf-8")
    for start, value in ((0, 1.0), (resumed_at, 2.0), (resumed_at, 3.0)):  # killed twice
        written = tracker(tmp_path, start_step=start)
        for step in (20, 40, 60):
            if step > start:
                written.scalars(step, {"x": value})
                written.images(step, "samples", Image.new("RGB", (8, 8)))
        written.close()

    found = recorded(tmp_path / "tensorboard")
    expected = [(step, 1.0 if step <= resumed_at else 3.0) for step in (20, 40, 60)]
    assert curve(found, "x") == expected
    assert [event.step for event in found.Images("samples")] == [20, 40, 60]
    shown = as_tensorboard_shows(tmp_path / "tensorboard").Tensors("spec.toml/text_summary")
    assert [event.step for event in shown] == sorted({1, resumed_at + 1})


def test_what_is_reported_is_on_disk_at_once_so_that_a_kill_loses_nothing(tmp_path: Path) -> None:
    written = tracker(tmp_path)
    written.scalars(20, {"x": 0.5})

    assert curve(recorded(tmp_path / "tensorboard"), "x") == [(20, 0.5)]
    written.close()


def test_while_nothing_is_reported_its_thread_does_nothing(tmp_path: Path) -> None:
    tensorboard = tracker(tmp_path)
    tensorboard.scalars(1, {"loss": 0.5})
    before = time.process_time()
    time.sleep(0.3)
    assert time.process_time() - before < 0.15  # of processor time: a thread that polls takes all
    tensorboard.close()


@pytest.mark.parametrize(("seconds", "flushes"), [(0, 3), (3600, 0)])
def test_with_an_interval_training_does_not_wait_for_the_disk(
    seconds: float, flushes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without one each report is flushed: the spec, the numbers, the picture."""
    counted: list[None] = []
    monkeypatch.setattr(SummaryWriter, "flush", lambda self: counted.append(None))
    written = tracker(tmp_path, flush_seconds=seconds)
    written.scalars(20, {"x": 0.5, "y": 1.5})
    written.images(20, "samples", Image.new("RGB", (8, 8)))

    assert len(counted) == flushes
    written.close()
    assert curve(recorded(tmp_path / "tensorboard"), "y") == [(20, 1.5)]


def test_the_folder_is_a_setting_and_lies_in_the_run_directory(tmp_path: Path) -> None:
    tracker(tmp_path, folder="logs/tb").close()

    assert list((tmp_path / "logs" / "tb").glob("events.out.tfevents.*"))
    for outside in ("../tb", "/elsewhere/tb", "logs/../../tb"):
        with pytest.raises(ValidationError, match="must be inside the run directory"):
            TensorBoard.Config(folder=outside)


def test_a_run_reports_the_same_numbers_to_both_trackers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GANTRANS_PLUGINS", "gantrans-tensorboard")
    spec = {
        "domains": {"a": "summer", "b": "winter"},
        "data": {"type": "seasons", "size": 32, "train": 3, "test": 1, "workers": 0},
        "generator": {"type": "resnet", "width": 4, "blocks": 1},
        "discriminator": {"type": "patchgan", "width": 4, "layers": 2},
        "losses": {"adversarial": {}, "cycle": {}},
        "train": {"epochs": 1, "log_every": 1, "sample_every": 3},
        "trackers": {"jsonl": {}, "tensorboard": {}},
    }

    gantrans.run(spec, run_dir=tmp_path / "run", device="cpu")

    found = recorded(tmp_path / "run" / "tensorboard")
    lines = (tmp_path / "run" / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    reports = [json.loads(line) for line in lines]
    expected: dict[str, list[tuple[int, float]]] = {}
    for report in reports:
        for name, value in report.items():
            if name != "step":
                expected.setdefault(name, []).append((report["step"], pytest.approx(value)))
    assert {name: curve(found, name) for name in found.Tags()["scalars"]} == expected
    assert [step for step, _ in curve(found, "generators/cycle/summer")] == [1, 2, 3]
    [picture] = found.Tags()["images"]
    [sample] = (tmp_path / "run" / "samples").glob("*.png")
    with Image.open(sample) as image:
        assert [(e.step, e.width, e.height) for e in found.Images(picture)] == [(3, *image.size)]
    [(_, resolved)] = text(found, "spec.resolved.json")
    assert json.loads(resolved)["spec"]["trackers"]["tensorboard"]["folder"] == "tensorboard"
