"""Whether a precision trains like float32: curves of 200 steps, beside the noise of two seeds.

    python benchmarks/curves.py [--precision bf16] [--size 64] [--width 16] [--steps 200]

Three trainings: the plain float32 loop (tests/plain_cyclegan.py) with two seeds, which see the same
images in another order from other weights, and gantrans with the first seed in the precision asked
for, compiled where that is the default. Shown is the mean of each curve over the last half of the
steps. "noise" is how far the two seeds are apart, "off" how far gantrans is from its seed's plain
loop. Three minutes on two CPU cores with --precision fp32; bf16 is slow where a CPU has no
instructions for it.
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
    first, second = (_curves(arguments, device, seed, plain=True) for seed in (0, 1))
    ours = _curves(arguments, device, 0, plain=False)
    print(f"{'':36} {'seed 0':>8} {'seed 1':>8} {arguments.precision:>8} {'noise':>8} {'off':>8}")
    for curve, value in first.items():
        noise, off = abs(second[curve] - value), abs(ours[curve] - value)
        print(
            f"{curve:36} {value:8.4f} {second[curve]:8.4f} {ours[curve]:8.4f} {noise:8.4f} "
            f"{off:8.4f}"
        )


def _curves(
    arguments: argparse.Namespace, device: torch.device, seed: int, *, plain: bool
) -> dict[str, float]:
    """The mean of each curve over the last half of the steps."""
    job = _job(arguments, device, seed, "fp32" if plain else arguments.precision)
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
        if plain:
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
    parser.add_argument("--precision", choices=("fp32", "tf32", "bf16"), default="bf16")
    parser.add_argument("--size", type=int, default=256 if gpu else 64, help="side in pixels")
    parser.add_argument("--batch", type=int, default=1, help="images of each domain in a batch")
    parser.add_argument("--width", type=int, default=64 if gpu else 16, help="channels")
    parser.add_argument("--blocks", type=int, default=9 if gpu else 4, help="residual blocks")
    parser.add_argument("--steps", type=int, default=200, help="of each training")
    return parser.parse_args()


if __name__ == "__main__":
    main()
