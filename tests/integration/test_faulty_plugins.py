"""A plugin's mistake is one message: which component, what, and in which line of its code."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from gantrans.errors import DataError, GantransError, PluginError
from gantrans.training.session import rehearse, run
from tiny_run import tiny_spec

HEAD = "import gantrans\nfrom PIL import Image\n\n\n"
LOSS = (
    HEAD
    + '''class Mine(gantrans.Loss):
    """Reads a step."""

    name = "mine"
    requires = {"fake"}

    def generator(self, step):
        return step.fake["b"].mean()
'''
)
METRIC = (
    HEAD
    + '''class Mine(gantrans.Metric):
    """Measures."""

    name = "mine"

    def update(self, images):
        pass

    def compute(self):
        return {"mine": 1.0}
'''
)
GENERATOR = (
    HEAD
    + '''from torch import nn


class Mine(gantrans.Generator):
    """One convolution."""

    name = "mine"

    def __init__(self, config, *, in_channels, out_channels):
        super().__init__(config, in_channels=in_channels, out_channels=out_channels)
        self.layer = nn.Conv2d(in_channels, out_channels, 3, padding=1)

    def forward(self, x):
        return self.layer(x).tanh()
'''
)
DATASET = (
    HEAD
    + '''class Source(gantrans.ImageSource):
    """Gray images."""

    def __len__(self):
        return 2

    def image(self, index):
        return Image.new("RGB", (32, 32), (9 * index, 0, 0))

    def label(self, index):
        return f"gray-{index}"


class Mine(gantrans.Dataset):
    """Gray images."""

    name = "mine"

    def source(self, split, domain):
        return Source()
'''
)

FAULTS = {
    "loss": (LOSS, "step.fake", "step.fak", r"loss 'mine' .*AttributeError.* in generator\)"),
    "built": (
        LOSS,
        "    def gen",
        "    def __init__(self, config):\n        1 / 0\n\n    def gen",
        r"loss 'mine' .*ZeroDivisionError.* in __init__\)",
    ),
    "metric": (METRIC, "pass", "raise KeyError('x')", r"metric 'mine' .*KeyError: 'x' .*in update"),
    "size": (
        GENERATOR,
        "padding=1",
        "padding=0",
        r"the generator 'mine' made \(\d, 3, 30, 30\) of",
    ),
    "network": (GENERATOR, "x).tanh()", "x).tahn()", r"generator 'mine' .*has no attribute 'tahn'"),
    "channels": (
        DATASET,
        "return 2",
        "return 2 / 0",
        r"dataset 'mine' .*ZeroDivision.* in __len__",
    ),
    "image": (DATASET, "9 * index", "9 * indxe", r"sample 0 of epoch 0 .*'indxe' .*mine.py:12"),
}


def spec_with(tmp_path: Path, fault: str) -> dict[str, Any]:
    code, right, wrong, _ = FAULTS[fault]
    assert right in code
    (tmp_path / "mine.py").write_text(code.replace(right, wrong))
    kind = re.search(r"gantrans\.(\w+)\):\n    \"\"\".*\n\n    name", code)
    assert kind
    spec = tiny_spec(plugins=[str(tmp_path / "mine.py")])
    match kind[1]:
        case "Loss":
            spec["losses"] = {"mine": {}, "adversarial": {}}
        case "Metric":
            spec["metrics"] = {"mine": {}}
        case "Generator":
            spec["generator"] = {"type": "mine"}
        case "Dataset":
            spec["data"] = {"type": "mine", "workers": 0}
    return spec


@pytest.mark.parametrize("fault", FAULTS)
def test_it_is_named_with_its_line(tmp_path: Path, fault: str) -> None:
    with pytest.raises(GantransError, match=FAULTS[fault][3]) as caught:
        run(spec_with(tmp_path, fault), run_dir=tmp_path / "run", device="cpu")
    assert isinstance(caught.value, DataError if fault == "image" else PluginError)
    assert "Traceback" not in str(caught.value)


def test_a_rehearsal_names_it_too(tmp_path: Path) -> None:
    with pytest.raises(PluginError, match=FAULTS["loss"][3]):
        rehearse(spec_with(tmp_path, "loss"), device="cpu")


def test_a_mended_file_takes_the_place_of_the_runs_copy(tmp_path: Path) -> None:
    spec = spec_with(tmp_path, "loss")
    with pytest.raises(PluginError, match=r"Mend it, then go on with: .*--resume .*--plugin FILE"):
        run(spec, run_dir=tmp_path / "run", device="cpu")
    (tmp_path / "mine.py").write_text(LOSS)
    ended = run(resume=tmp_path / "run", plugins=[tmp_path / "mine.py"], device="cpu")
    assert ended.steps == 12
    assert (tmp_path / "run" / "plugins" / "mine.py").read_text() == LOSS


@pytest.mark.parametrize("key", ["train", "half", "type", "forward"])
def test_a_loss_may_have_a_name_that_modules_have_too(tmp_path: Path, key: str) -> None:
    spec = tiny_spec(losses={"adversarial": {}, key: {"type": "cycle"}}, train={"epochs": 1})
    assert run(spec, run_dir=tmp_path / "run", device="cpu").steps == 6
