"""What a CycleGAN step takes: a plain eager loop, and gantrans with one lever more in each row.

    python benchmarks/step.py [--sizes 64 256] [--batches 1 4] [--width 16] [--only NAME ...]

The plain loop is the one that the tests compare numbers with (tests/plain_cyclegan.py), written
from the formulas: one pass after another, in float32, in the order of the papers' code. All rows
begin with the same weights, see the same images and run in turns, so that whatever else the machine
does slows all of them; medians are shown. TFLOP/s is what a step has to compute (counted once, of
the plain loop) over its seconds, and the ceiling a product of two large matrices in the row's
precision (measured here, before). "off" is how far the losses of the first step are from the plain
loop's, in per cent of the largest. About ten minutes on two CPU cores, about twenty on a GPU, where
compiling takes most of it.
"""

from __future__ import annotations

import argparse
import copy
import statistics
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from gantrans.inference.precision import Precision, products_in
from gantrans.spec.load import load
from gantrans.training.assemble import Job, assemble
from gantrans.training.data import training_batches
from gantrans.training.step import TrainingStep
from machine import machine, now

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from plain_cyclegan import PlainCycleGAN

EAGER: dict[str, Any] = {"compile": False}
LEVERS: dict[str, dict[str, Any]] = {
    "gantrans": EAGER,
    "tf32": {**EAGER, "precision": "tf32"},
    "bf16": {**EAGER, "precision": "bf16"},
    "bf16, channels last": {**EAGER, "precision": "bf16", "channels_last": True},
    "compiled": {"compile": True},
    "bf16, compiled": {"precision": "bf16", "compile": True},
    "bf16, both": {"precision": "bf16", "compile": True, "channels_last": True},
    "bf16, compiled, recompute": {"precision": "bf16", "compile": True, "recompute": True},
}
ON_CPU = ("gantrans",)
"""The others win nothing there: docs/explanation/performance.md has numbers of all."""
NETWORKS = ("generator_ab", "generator_ba", "discriminator_a", "discriminator_b")

Step = Callable[[], Mapping[str, Tensor]]


@dataclass
class Case:
    """One size of image, network and batch."""

    size: int
    batch: int
    width: int
    blocks: int


def main() -> None:
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    gpu = device.type == "cuda"
    names = arguments.only or (list(LEVERS) if gpu else list(ON_CPU))
    used: set[Precision] = {"fp32", *(LEVERS[name].get("precision", "fp32") for name in names)}
    ceilings = {precision: _ceiling(precision, device) for precision in sorted(used)}
    print(f"torch {torch.__version__}, {machine(device)}")
    print(
        "ceilings: "
        + ", ".join(f"{name} {rate / 1e12:.3g} TFLOP/s" for name, rate in ceilings.items())
    )
    head = f"{'s/step':>9} {'faster':>7} {'TFLOP/s':>8} {'of ceiling':>10} {'off':>7}"
    for size in arguments.sizes or ([256] if gpu else [64, 256]):
        for batch in arguments.batches or ([1, 4, 16] if gpu else [1, 4]):
            width, blocks = arguments.width or (64 if gpu else 16), arguments.blocks
            case = Case(size, batch, width, blocks or (9 if gpu else 6))
            print(f"\n{size} px, batch {batch}, width {width}, {case.blocks} blocks")
            print(f"{'':26} {head}", flush=True)
            _table(case, names, arguments.repeats, device, ceilings)


def _table(
    case: Case,
    names: list[str],
    repeats: int,
    device: torch.device,
    ceilings: Mapping[str, float],
) -> None:
    job = _job(case, EAGER, device)
    batches = list(
        training_batches(
            job.samples, batch_size=case.batch, first=0, last=4, workers=0, pin_memory=False
        )
    )
    plain = PlainCycleGAN([copy.deepcopy(job.method.networks[name]) for name in NETWORKS])

    def plain_step() -> Mapping[str, Tensor]:
        real = batches[0].on(device)
        with products_in("fp32"):
            return plain.step(real["a"], real["b"])

    with FlopCounterMode(display=False) as counter:
        expected = plain_step()  # also allocates
    work = counter.get_total_flops()
    steps: dict[str, Step] = {"plain": plain_step}
    off = {"plain": 0.0}
    for name in names:
        training, count = TrainingStep(_job(case, LEVERS[name], device)), 0

        def step(training: TrainingStep = training) -> Mapping[str, Tensor]:
            nonlocal count
            count += 1
            return training(count % 100, batches[:1])

        found = step()
        off[name] = max(abs(float(found[curve] - term)) for curve, term in expected.items())
        off[name] /= max(abs(float(term)) for term in expected.values())
        steps[name] = step
    seconds = _in_turns(steps, repeats, device)
    for name in steps:
        rate = work / seconds[name]
        precision = LEVERS.get(name, {}).get("precision", "fp32")
        print(
            f"{name:26} {seconds[name]:9.4f} {seconds['plain'] / seconds[name]:6.2f}x "
            f"{rate / 1e12:8.3f} {rate / ceilings[precision]:10.0%} {off[name]:7.2%}",
            flush=True,
        )


def _in_turns(steps: Mapping[str, Step], repeats: int, device: torch.device) -> dict[str, float]:
    """Median seconds of each."""
    for step in steps.values():
        for _ in range(10 if device.type == "cuda" else 1):
            step()
    taken: dict[str, list[float]] = {name: [] for name in steps}
    order = list(steps)
    for turn in range(repeats):
        for name in order if turn % 2 else reversed(order):
            count = 20 if device.type == "cuda" else 1
            began = now(device)
            for _ in range(count):
                steps[name]()
            taken[name].append((now(device) - began) / count)
    return {name: statistics.median(all_of_it) for name, all_of_it in taken.items()}


def _job(case: Case, levers: Mapping[str, Any], device: torch.device) -> Job:
    return assemble(
        load(
            {
                "data": {"type": "seasons", "size": case.size, "train": 4 * case.batch},
                "generator": {"type": "resnet", "width": case.width, "blocks": case.blocks},
                "discriminator": {"type": "patchgan", "width": case.width},
                "losses": {"adversarial": {}, "cycle": {}, "identity": {}},
                "train": {"batch_size": case.batch, **levers},
            }
        ),
        device,
    )


def _ceiling(precision: Precision, device: torch.device) -> float:
    """FLOP/s of a product of two large matrices."""
    side = 8192 if device.type == "cuda" else 1024
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    a, b = (torch.randn(side, side, device=device, dtype=dtype) for _ in range(2))
    taken = []
    with products_in(precision):
        for _ in range(10):
            began = now(device)
            for _ in range(5):
                a @ b
            taken.append((now(device) - began) / 5)
    return float(2 * side**3 / statistics.median(taken))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sizes", type=int, nargs="+", help="sides of the images, in pixels")
    parser.add_argument("--batches", type=int, nargs="+", help="images of each domain in a batch")
    parser.add_argument("--width", type=int, help="channels at full resolution")
    parser.add_argument("--blocks", type=int, help="residual blocks")
    parser.add_argument("--only", nargs="+", choices=list(LEVERS), help="rows beside the plain one")
    parser.add_argument("--repeats", type=int, default=9, help="turns of each; medians are shown")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="CPU threads")
    return parser.parse_args()


if __name__ == "__main__":
    main()
