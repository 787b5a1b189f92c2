"""Seconds a training step takes, beside a plain eager loop over the same networks.

    python benchmarks/step.py [--sizes 64 256] [--repeats 7] [--threads 2]

The plain loop is the one that the tests compare numbers with (tests/plain_cyclegan.py): one pass
after another, in the order of the papers' code. Both run in turns, so that whatever else the
machine does slows both down. About two minutes on two CPU cores.
"""

from __future__ import annotations

import argparse
import copy
import statistics
import sys
from collections.abc import Callable
from pathlib import Path

import torch

from gantrans.spec.load import load
from gantrans.training.assemble import assemble
from gantrans.training.data import training_batches
from gantrans.training.step import TrainingStep
from machine import machine, now

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from plain_cyclegan import PlainCycleGAN

BLOCKS = {64: (4, 6), 256: (6,)}


def main() -> None:
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    print(f"torch {torch.__version__}, {machine(device)}, batch 1, width {arguments.width}")
    print(f"{'px':>4} {'blocks':>6} {'plain s/step':>13} {'gantrans s/step':>16} {'faster':>7}")
    for size in arguments.sizes:
        for blocks in BLOCKS.get(size, (6,)):
            plain, ours = compare(size, blocks, arguments.width, arguments.repeats, device)
            print(
                f"{size:4} {blocks:6} {plain:13.4f} {ours:16.4f} {plain / ours:6.2f}x", flush=True
            )


def compare(
    size: int, blocks: int, width: int, repeats: int, device: torch.device
) -> tuple[float, float]:
    """Median seconds a step of the plain loop and of gantrans."""
    job = assemble(
        load(
            {
                "data": {"type": "seasons", "size": size, "train": 8, "workers": 0},
                "generator": {"type": "resnet", "width": width, "blocks": blocks},
                "discriminator": {"type": "patchgan", "width": width},
                "losses": {"adversarial": {}, "cycle": {}, "identity": {}},
            }
        ),
        device,
    )
    names = ("generator_ab", "generator_ba", "discriminator_a", "discriminator_b")
    plain = PlainCycleGAN([copy.deepcopy(job.method.networks[name]) for name in names])
    training = TrainingStep(job)
    batches = list(
        training_batches(job.samples, batch_size=1, first=0, last=8, workers=0, pin_memory=False)
    )
    done = {"plain": 0, "gantrans": 0}

    def plain_step() -> None:
        real = batches[done["plain"] % len(batches)].real
        plain.step(real["a"].to(device), real["b"].to(device))
        done["plain"] += 1

    def our_step() -> None:
        training(done["gantrans"], [batches[done["gantrans"] % len(batches)]])
        done["gantrans"] += 1

    steps = max(1, 256 // size) if device.type == "cpu" else 20
    for step in (plain_step, our_step):  # the first step allocates, and chooses kernels
        _seconds(step, 1 if device.type == "cpu" else 10, device)
    seconds: dict[Callable[[], None], list[float]] = {plain_step: [], our_step: []}
    for turn in range(repeats):
        for step in (plain_step, our_step) if turn % 2 else (our_step, plain_step):
            seconds[step].append(_seconds(step, steps, device))
    return statistics.median(seconds[plain_step]), statistics.median(seconds[our_step])


def _seconds(step: Callable[[], None], steps: int, device: torch.device) -> float:
    begin = now(device)
    for _ in range(steps):
        step()
    return (now(device) - begin) / steps


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[64, 256], help="sides in pixels")
    parser.add_argument("--width", type=int, default=16, help="channels at full resolution")
    parser.add_argument("--repeats", type=int, default=7, help="turns of each; medians are shown")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="CPU threads")
    return parser.parse_args()


if __name__ == "__main__":
    main()
