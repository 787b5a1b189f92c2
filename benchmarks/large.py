"""Large pictures: seconds and peak memory, at once and in pieces under limits.

    python benchmarks/large.py [--sides 1024 2048 4096 8192] [--width 16] [--limits 1.5 3]

The network is CycleGAN's ResNet-9, its weights as they are drawn; the picture is a drawn JPEG. Each
row is a process of its own, from its start to the written PNG, so that its peak is its own: "at
once" is a plain forward pass of the whole picture, left out where the memory cannot take it. The
last column is how far the two pictures are apart, in levels of 0 to 255. About half an hour on two
CPU cores.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from PIL import Image

from drawn_model import drawn_model
from gantrans.api.image import normalised, open_image, to_image, to_pixels
from gantrans.inference import memory
from gantrans.inference.large.translate import memory_per_pixel
from gantrans.inference.padding import run_padded
from gantrans.inference.translator import load
from gantrans.inference.weights import save_weights
from machine import machine

GIB = 2**30


def main() -> None:
    arguments = _arguments()
    if arguments.child:
        _translate(*arguments.child)
        return
    with tempfile.TemporaryDirectory() as folder:
        there = Path(folder)
        model = there / "generator_ab.safetensors"
        per_pixel = _save_model(model, arguments.width)
        cpu = torch.device("cpu")
        print(f"torch {torch.__version__}, {machine(cpu)}, ResNet-9 of width {arguments.width}")
        print(f"{'side':>5}  {'':16} {'seconds':>8} {'peak':>10} {'apart':>6}")
        for side in arguments.sides:
            picture = there / f"{side}.jpg"
            _draw(picture, side)
            whole = there / "whole.png"
            whole.unlink(missing_ok=True)
            ways = [("", whole, "at once")] if side * side * per_pixel < _free() else []
            ways += [
                (f"{limit}", there / "pieces.png", f"in {limit} GiB") for limit in arguments.limits
            ]
            for limit, out, name in ways:
                runs = [_measured(model, picture, out, limit) for _ in range(arguments.repeats)]
                seconds = statistics.median(run[0] for run in runs)
                peak = max(run[1] for run in runs)
                apart = _apart(whole, out) if limit and whole.exists() else ""
                print(
                    f"{side:5}  {name:16} {seconds:8.1f} {memory.mebibytes(peak):>10} {apart:>6}",
                    flush=True,
                )


def _translate(model: str, picture: str, out: str, limit: str) -> None:
    """What a child does."""
    translator = load(model, device="cpu", max_memory=int(float(limit) * GIB) if limit else None)
    image = open_image(Path(picture))
    if limit:
        result = translator.translate_image(image)
    else:
        [generator] = translator.generators.values()
        with torch.inference_mode():
            result = run_padded(generator, normalised(to_pixels(image, 3))[None])[0]
    to_image(result).save(out)


def _measured(model: Path, picture: Path, out: Path, limit: str) -> tuple[float, int]:
    """Seconds, and the peak of its memory in bytes, of a process that translates a picture."""
    began = time.perf_counter()
    command = [sys.executable, __file__, "--child", str(model), str(picture), str(out), limit]
    child = subprocess.Popen(command)
    _, status, usage = os.wait4(child.pid, 0)
    if status:
        raise SystemExit(f"the translation of {picture} failed")
    return time.perf_counter() - began, usage.ru_maxrss * 1024


def _save_model(path: Path, width: int) -> float:
    """A weights file of a drawn network; how many bytes it takes for a pixel."""
    generator, header = drawn_model(width)
    save_weights(path, generator.state_dict(), header)
    return memory_per_pixel(generator)


def _draw(path: Path, side: int) -> None:
    """Smooth colours with fine noise, as in a photograph."""
    draw = torch.Generator().manual_seed(side)
    coarse = torch.rand(1, 3, 16, 16, generator=draw)
    smooth = torch.nn.functional.interpolate(coarse, (side, side), mode="bilinear")[0]
    noise = torch.randint(0, 24, (3, side, side), dtype=torch.uint8, generator=draw)
    pixels = smooth.mul_(230).to(torch.uint8) + noise
    Image.fromarray(pixels.permute(1, 2, 0).contiguous().numpy()).save(path, quality=95)


def _free() -> float:
    room, held = memory.room(), memory.held()
    return float("inf") if room is None or held is None else room - held


def _apart(one: Path, other: Path) -> int:
    """The largest difference of two pictures, in levels."""
    a, b = (to_pixels(Image.open(path), 3).short() for path in (one, other))
    return int((a - b).abs().max())


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sides", type=int, nargs="+", default=[1024, 2048, 4096, 8192])
    parser.add_argument("--width", type=int, default=16, help="channels at full resolution")
    parser.add_argument("--limits", type=float, nargs="+", default=[1.5, 3.0], help="in GiB")
    parser.add_argument("--repeats", type=int, default=1, help="runs of each; medians are shown")
    parser.add_argument("--child", nargs=4, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    Image.MAX_IMAGE_PIXELS = None  # it reads its own pictures
    main()
