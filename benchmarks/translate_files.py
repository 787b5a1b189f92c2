"""How much of a generator's own speed is left when it translates files.

    python benchmarks/translate_files.py [--images 500] [--size 128] [--width 32] [--workers 1 2 4]

The generator alone translates tensors that are in memory already, one after another; then the same
number of drawn files, half PNG and half JPEG, is read, translated and written as `gantrans
translate` does it, with so many threads for files. All run in turns in one process with one number
of torch's threads; medians of the turns. How long cores are busy for an image is told beside, for
that hardly depends on what else the machine does. About four minutes on two CPU cores.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from drawn_model import drawn_model
from gantrans.api.image import to_tensor
from gantrans.inference.files.handling import Handling
from gantrans.inference.files.plan import FileJob, plan
from gantrans.inference.files.translate import translate_files
from gantrans.inference.translator import Translator
from machine import machine, now


def main() -> None:
    arguments = _arguments()
    device = torch.device(arguments.device)
    translator = _translator(arguments.width, device)
    with tempfile.TemporaryDirectory(prefix="gantrans-bench-") as folder:
        draw(Path(folder, "in"), arguments.images, arguments.size)
        jobs = plan([Path(folder, "in")], Path(folder, "out")).jobs
        images = [_tensor(job) for job in jobs]

        def alone() -> None:
            for image in images:
                translator.translate_tensor(image[None].to(device))

        ways: dict[str, Callable[[], None]] = {"the generator alone": alone}
        for workers in arguments.workers:
            ways[f"files, {workers} threads"] = _files(translator, jobs, Handling(workers=workers))
        seconds = measured(ways, Path(folder, "out"), arguments.repeats, device)
    print(
        f"torch {torch.__version__}, {machine(device)}, ResNet-9 of width {arguments.width}, "
        f"{len(jobs)} files of {arguments.size} px"
    )
    print(f"{'':24} {'images/s':>9} {'of its own speed':>17} {'busy, ms an image':>18}")
    own, _ = seconds["the generator alone"]
    for name, (taken, busy) in seconds.items():
        shares = f"{len(jobs) / taken:9.2f} {own / taken:17.1%}"
        print(f"{name:24} {shares} {1000 * busy / len(jobs):18.1f}")


def measured(
    ways: dict[str, Callable[[], None]], out: Path, repeats: int, device: torch.device
) -> dict[str, tuple[float, float]]:
    """Median seconds of each way, and of all cores; in turns, so that others slow all of them."""
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for turn in range(repeats + 1):
        for name, work in ways.items():
            began, busy = now(device), time.process_time()
            work()
            if turn:  # the first is for warming up
                taken[name].append((now(device) - began, time.process_time() - busy))
            shutil.rmtree(out, ignore_errors=True)
    return {
        name: (statistics.median(t for t, _ in times), statistics.median(b for _, b in times))
        for name, times in taken.items()
    }


def draw(folder: Path, count: int, size: int) -> None:
    """Soft shapes with a grain, about as compressible as photographs; PNG and JPEG in turns."""
    folder.mkdir()
    for number in range(count):
        random = np.random.default_rng(number)
        soft = Image.fromarray(random.integers(0, 256, (6, 6, 3), dtype=np.uint8))
        soft = soft.resize((size, size), Image.Resampling.BICUBIC)
        grain = random.normal(0, 6, (size, size, 3))
        pixels = np.clip(np.asarray(soft) + grain, 0, 255).astype(np.uint8)
        name = f"{number:04}.{'png' if number % 2 else 'jpg'}"
        Image.fromarray(pixels).save(folder / name, quality=92)


def _files(
    translator: Translator, jobs: tuple[FileJob, ...], handling: Handling
) -> Callable[[], None]:
    def work() -> None:
        for outcome in translate_files(translator, jobs, None, handling):
            assert outcome.error is None

    return work


def _tensor(job: FileJob) -> torch.Tensor:
    with Image.open(job.source) as image:
        return to_tensor(image, 3)


def _translator(width: int, device: torch.device) -> Translator:
    generator, header = drawn_model(width)
    return Translator([(generator.to(device), header)], device)


def _arguments() -> argparse.Namespace:
    there = "cuda" if torch.cuda.is_available() else "cpu"
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--device", default=there)
    parser.add_argument("--images", type=int, default=500, help="files")
    parser.add_argument("--size", type=int, default=128, help="side in pixels")
    parser.add_argument("--width", type=int, default=32, help="channels at full resolution")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4], help="threads")
    parser.add_argument("--repeats", type=int, default=3, help="turns of each")
    return parser.parse_args()


if __name__ == "__main__":
    main()
