"""Loading processes that are not forked, as on macOS, Windows and Linux from Python 3.14 on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

DATASET = '''
import gantrans
from PIL import Image


class Shades(gantrans.ImageSource):
    """Two gray levels."""

    def __len__(self):
        return 2

    def image(self, index):
        return Image.new("L", (16, 16), 100 * index)

    def label(self, index):
        return f"shade-{index}"


class Gray(gantrans.Dataset):
    """Shades of gray."""

    name = "gray"

    def source(self, split, domain):
        return Shades()
'''

RUN = """
import multiprocessing
import sys

import gantrans

if __name__ == "__main__":
    multiprocessing.set_start_method("spawn")
    small = {"width": 2}
    spec = {
        "plugins": ["gray.py"],
        "data": {"type": "gray", "workers": 1},
        "generator": {"type": "resnet", "blocks": 0, **small},
        "discriminator": {"type": "patchgan", "layers": 1, **small},
        "losses": {"adversarial": {}},
        "metrics": {},
        "train": {"epochs": 1},
    }
    print(gantrans.run(spec, run_dir="run", device="cpu").steps, "steps")
"""


def test_they_know_the_dataset_of_a_one_file_plugin(tmp_path: Path) -> None:
    (tmp_path / "gray.py").write_text(DATASET)
    (tmp_path / "train.py").write_text(RUN)
    ended = subprocess.run(
        [sys.executable, "train.py"], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == "2 steps\n"
