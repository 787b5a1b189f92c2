"""How fast training images come: decoded, cached, in batches; and how long a step waits for them.

    python benchmarks/data.py [--root FOLDER] [--images 200] [--repeats 5] [--threads 2]

FOLDER holds image files, all of which are used for both domains; without it, drawn scenes of 512
pixels are written as JPEGs into a temporary folder. Images are resized to 286 and cut to 256.
About three minutes on two CPU cores.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torchvision.io import ImageReadMode, decode_image, read_file

from gantrans.api.image import IMAGE_SUFFIXES, open_image, to_pixels
from gantrans.builtins.datasets.seasons import DrawnScenes
from gantrans.spec.load import load
from gantrans.training.assemble import assemble
from gantrans.training.caching import with_caches
from gantrans.training.data import TrainingSamples, training_batches
from machine import machine

CPU = torch.device("cpu")
PACE = 200
"""Images a second, of both domains together, that the simulated step takes."""


def main() -> None:
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    with tempfile.TemporaryDirectory() as place:
        os.environ["GANTRANS_CACHE"] = str(Path(place) / "cache")
        root = arguments.root or draw(Path(place) / "drawn", arguments.images)
        files = [p for p in sorted(root.rglob("*")) if p.suffix.lower() in IMAGE_SUFFIXES]
        files = files[: arguments.images]
        folder = linked(files, Path(place) / "used")
        print(f"torch {torch.__version__}, {machine(CPU)}, of {os.cpu_count()} cores")
        with Image.open(files[0]) as first:
            print(f"{len(files)} files, the first: {first.format} {first.width} x {first.height}")
        print(f"medians of {arguments.repeats} runs\n")
        rows = [*decoding(files, arguments), *loading(folder, len(files), arguments)]
        for name, rate in rows:
            print(f"{name:<58}{rate:>10.0f} images/s")
        print()
        for name, share in waiting(folder, arguments):
            print(f"{name:<58}{share:>10.2%} of the time")


def decoding(files: Sequence[Path], arguments: argparse.Namespace) -> Iterator[tuple[str, float]]:
    """By one thread; with the check that both decoders give the same pixels."""

    def torchvision(path: Path) -> torch.Tensor:
        return decode_image(read_file(str(path)), ImageReadMode.RGB)

    def resized(path: Path) -> Image.Image:
        image = open_image(path).convert("RGB")
        scale = 286 / min(image.size)
        size = (round(image.width * scale), round(image.height * scale))
        return image.resize(size, Image.Resampling.BICUBIC)

    def resized_from_torchvision(path: Path) -> Image.Image:
        image = Image.fromarray(torchvision(path).permute(1, 2, 0).numpy())
        scale = 286 / min(image.size)
        size = (round(image.width * scale), round(image.height * scale))
        return image.resize(size, Image.Resampling.BICUBIC)

    ours = (to_pixels(open_image(path), 3) for path in files)
    alike = sum(torch.equal(x, torchvision(p)) for x, p in zip(ours, files, strict=True))
    kinds: dict[str, Callable[[Path], Any]] = {
        "decode, Pillow": open_image,
        "decode, torchvision": torchvision,
        "decode and resize, Pillow": resized,
        "decode by torchvision, resize by Pillow": resized_from_torchvision,
    }
    for name, read in kinds.items():
        same = f" (same pixels: {alike} of {len(files)})" if name == "decode, torchvision" else ""
        yield name + same, _rate(lambda read=read: [read(path) for path in files], files, arguments)


def loading(folder: Path, count: int, arguments: argparse.Namespace) -> Iterator[tuple[str, float]]:
    """Building caches of both domains, and batches of one image of each."""
    for workers in (0, 1, 2):
        job = assemble(load(_spec(folder, workers)), CPU)
        rates = []
        for _ in range(arguments.repeats):
            for path in Path(os.environ["GANTRANS_CACHE"]).glob("*.cache"):
                path.unlink()
            began = time.perf_counter()
            cached = with_caches(job, say=print)
            rates.append(2 * count / (time.perf_counter() - began))
        yield f"building the cache, {workers} workers", statistics.median(rates)
    began = time.perf_counter()
    again = with_caches(job, say=print)
    yield "opening the cache", 2 * count / (time.perf_counter() - began)
    for name, samples, workers in (
        ("batches from the cache", again, 0),
        ("batches without a cache, 0 workers", job.samples, 0),
        ("batches without a cache, 1 worker", job.samples, 1),
        ("batches without a cache, 2 workers", job.samples, 2),
    ):
        rates = []
        for _ in range(arguments.repeats):
            steps = 4 * count if samples is again else count
            with closing(_batches(samples, steps, workers)) as batches:
                next(batches)  # starts the workers
                began = time.perf_counter()
                taken = sum(2 for _ in batches)
                rates.append(taken / (time.perf_counter() - began))
        yield name, statistics.median(rates)
    assert cached.ready


def waiting(folder: Path, arguments: argparse.Namespace) -> Iterator[tuple[str, float]]:
    """The share of a step that is spent waiting, at 200 images/s, from the cache."""
    samples = with_caches(assemble(load(_spec(folder, 0)), CPU), say=print)
    x = torch.randn(300, 300)
    for kind in ("sleeps, as if a GPU worked", "computes with all its threads"):
        shares = []
        for _ in range(arguments.repeats):
            steps, waited, began = 3 * PACE // 2, 0.0, time.perf_counter()
            with closing(_batches(samples, steps, 0)) as batches:
                for n in range(steps):
                    asked = time.perf_counter()
                    batch = next(batches)
                    waited += time.perf_counter() - asked if n else 0.0  # the first starts it
                    batch.on(CPU)
                    due = began + (n + 1) * 2 / PACE
                    if kind.startswith("sleeps"):
                        time.sleep(max(0.0, due - time.perf_counter()))
                    while time.perf_counter() < due:
                        x @ x
            shares.append(waited / (time.perf_counter() - began))
        yield f"waiting at {PACE} images/s; the step {kind}", statistics.median(shares)


def draw(folder: Path, count: int) -> Path:
    """Scenes as JPEGs of quality 92."""
    folder.mkdir()
    scenes = DrawnScenes("summer", "benchmark", "scene", count, 512)
    for n in range(count):
        scenes.image(n).save(folder / f"{n:04d}.jpg", quality=92)
    return folder


def linked(files: Sequence[Path], folder: Path) -> Path:
    """The files in folders that a data set of two domains has."""
    for domain in "AB":
        (folder / f"train{domain}").mkdir(parents=True)
        for n, path in enumerate(files):
            (folder / f"train{domain}/{n:05d}{path.suffix}").symlink_to(path.absolute())
    return folder


def _spec(folder: Path, workers: int) -> dict[str, Any]:
    return {
        "data": {
            "type": "unpaired_folder",
            "root": str(folder),
            "workers": workers,
            "transform": {"resize": 286, "crop": 256},
        },
        "generator": {"type": "resnet", "width": 4, "blocks": 1},
        "discriminator": {"type": "patchgan", "width": 4, "layers": 2},
        "losses": {"adversarial": {}, "cycle": {}},
        "metrics": {},
    }


def _batches(samples: TrainingSamples, steps: int, workers: int) -> Any:
    return training_batches(
        samples, batch_size=1, first=0, last=steps, workers=workers, pin_memory=False
    )


def _rate(work: Callable[[], Any], files: Sequence[Path], arguments: argparse.Namespace) -> float:
    work()
    taken = []
    for _ in range(arguments.repeats):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return len(files) / statistics.median(taken)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--root", type=Path, help="folder with image files; absent: drawn ones")
    parser.add_argument("--images", type=int, default=200, help="images of each domain")
    parser.add_argument("--repeats", type=int, default=5, help="turns of each; medians are shown")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="CPU threads")
    return parser.parse_args()


if __name__ == "__main__":
    main()
