from __future__ import annotations

from pathlib import Path
from typing import Any

from PIL import Image

KIND = "tracker"


def test_it_takes_what_a_run_reports(config: Any, tmp_path: Path) -> None:
    tracker = config.build(run_dir=tmp_path, start_step=0)
    tracker.scalars(20, {"generators/cycle/summer": 0.5, "images_per_second": 11.0})
    tracker.images(20, "samples", Image.new("RGB", (40, 30)))
    tracker.scalars(40, {"metrics/psnr/summer->winter": 19.5})
    tracker.close()


def test_it_goes_on_with_a_resumed_run(config: Any, tmp_path: Path) -> None:
    tracker = config.build(run_dir=tmp_path, start_step=0)
    tracker.scalars(20, {"x": 0.5})
    tracker.close()
    again = config.build(run_dir=tmp_path, start_step=10)
    again.scalars(20, {"x": 0.5})
    again.close()
