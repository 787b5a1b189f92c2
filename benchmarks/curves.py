"""Whether a precision trains like float32: curves of 200 steps, beside the noise of two seeds.

    python benchmarks/curves.py [--precision bf16] [--size 64] [--width 16] [--steps 200]

Four trainings: the plain float32 loop (tests/plain_cyclegan.py) with two seeds, which see the same
images in another order from other weights; and gantrans with the first seed, in float32 and in the
precision asked for, compiled where that is the default. Shown is the mean of each curve over the
last half of the steps. The two seeds say how far apart trainings are that are equally good, and
the plain loop and gantrans in float32 how far rounding alone drives two that begin alike. Two
minutes on two CPU cores with --size 32 --width 8; bf16 is slow where a CPU has no instructions for
it.
"""

from __future__ import annotations

import argparse
import copy
import statistics
import sys
from pathlib import Path

import torch
from torch import Tensor

from gantrans.inference.precision import products_in
from gantrans.spec.load import load
from gantrans.training.assemble import Job, assemble
from gantrans.training.data import training_batches
from gantrans.training.step import TrainingStep
from machine import machine

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from plain_cyclegan import PlainCycleGAN

NETWORKS = ("generator_ab", "generator_ba", "discriminator_a", "discriminator_b")


def main() -> None:
    arguments = _arguments()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    print(
        f"torch {torch.__version__}, {machine(device)}; {arguments.size} px, batch "
        f"{arguments.batch}, width {arguments.width}, {arguments.blocks} blocks, "
        f"{arguments.steps} steps"
    )
    first, second = (_curves(arguments, device, seed, precision=None) for seed in (0, 1))
    exact, rough = (
        _curves(arguments, device, 0, precision=precision)
        for precision in ("fp32", arguments.precision)
    )
    print(f"{'':30} {'plain 0':>9} {'plain 1':>9} {'fp32':>9} {arguments.precision:>9}")
    for curve in first:
        values = (curves[curve] for curves in (first, second, exact, rough))
        print(f"{curve:30} " + " ".join(f"{value:9.4f}" for value in values), flush=True)


def _curves(
    arguments: argparse.Namespace, device: torch.device, seed: int, *, precision: str | None
) -> dict[str, float]:
    """The mean of each curve over the last half of the steps; of the plain loop without one."""
    job = _job(arguments, device, seed, precision or "fp32")
    training = TrainingStep(job)
    reference = PlainCycleGAN(
        [copy.deepcopy(job.method.networks[name]) for name in NETWORKS], seed=seed
    )
    batches = training_batches(
        job.samples,
        batch_size=arguments.batch,
        first=0,
        last=arguments.steps,
        workers=0,
        pin_memory=False,
    )
    kept: list[dict[str, Tensor]] = []
    for step, batch in enumerate(batches):
        if precision is None:
            real = batch.on(device)
            with products_in("fp32"):
                kept.append(reference.step(real["a"], real["b"]))
        else:
            kept.append(training(step, [batch]))
    half = kept[len(kept) // 2 :]
    return {curve: statistics.mean(float(terms[curve]) for terms in half) for curve in half[0]}


def _job(arguments: argparse.Namespace, device: torch.device, seed: int, precision: str) -> Job:
    return assemble(
        load(
            {
                "seed": seed,
                "data": {
                    "type": "seasons",
                    "size": arguments.size,
                    "train": arguments.batch * arguments.steps,
                    "workers": 0,
                },
                "generator": {
                    "type": "resnet",
                    "width": arguments.width,
                    "blocks": arguments.blocks,
                },
                "discriminator": {"type": "patchgan", "width": arguments.width},
                "losses": {"adversarial": {}, "cycle": {}, "identity": {}},
                "train": {
                    "batch_size": arguments.batch,
                    "decay": "none",
                    "precision": precision,
                },
            }
        ),
        device,
    )


def _arguments() -> argparse.Namespace:
    gpu = torch.cuda.is_available()
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--precision", choices=("tf32", "bf16"), default="bf16")
    parser.add_argument("--size", type=int, default=256 if gpu else 64, help="side in pixels")
    parser.add_argument("--batch", type=int, default=1, help="images of each domain in a batch")
    parser.add_argument("--width", type=int, default=64 if gpu else 16, help="channels")
    parser.add_argument("--blocks", type=int, default=9 if gpu else 4, help="residual blocks")
    parser.add_argument("--steps", type=int, default=200, help="of each training")
    return parser.parse_args()


if __name__ == "__main__":
    main()
