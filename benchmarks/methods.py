"""How good each method gets in the same minutes, on drawn seasons: PSNR, SSIM, seconds a step.

    python benchmarks/methods.py [--epochs 2] [--seed 0] [--methods cyclegan cut pix2pix]

All have the same generator and discriminator (a quarter of the papers' width, four blocks), the
same number of scenes, and the time that CycleGAN takes for `--epochs`: a rehearsal times the steps
of all in turns, and each other method gets as many whole epochs as fit. pix2pix learns from pairs,
the others never see one scene in both seasons. One direction is compared, summer to winter, on the
same 32 test scenes. About a quarter of an hour on two CPU cores.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path
from typing import Any

import torch

from gantrans.api.baseline import LABELS
from gantrans.spec.load import load
from gantrans.training.assemble import assemble
from gantrans.training.data import training_batches
from gantrans.training.session import RunResult, run
from gantrans.training.step import TrainingStep
from machine import machine, now

SCENES, WAY, REHEARSED = 700, "summer->winter", 30
# The networks are a quarter of the papers' in width, and have four blocks instead of nine.
HEAD = {"layers": ["image", "down1", "down2", "block1", "block3"], "width": 64}
LSGAN: dict[str, Any] = {"adversarial": {"objective": "lsgan"}}
METHODS: dict[str, dict[str, Any]] = {
    "cyclegan": {"method": "cyclegan", "losses": {**LSGAN, "cycle": {}, "identity": {}}},
    "cut": {
        "method": "cut",
        "losses": {**LSGAN, "patch_nce": {"preset": "cut", **HEAD}},
    },
    "fastcut": {
        "method": {"type": "cut", "preset": "fastcut"},
        "losses": {**LSGAN, "patch_nce": {"preset": "fastcut", **HEAD}},
    },
    "fastcut-x3": {  # instead of x10, which holds a translation to the summer that it came from
        "method": {"type": "cut", "preset": "fastcut"},
        "losses": {**LSGAN, "patch_nce": {"preset": "fastcut", **HEAD, "weight": 3.0}},
    },
    "pix2pix": {
        "method": "pix2pix",
        "losses": {"adversarial": {"objective": "vanilla"}, "l1": {}},
    },
}


def main() -> None:
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    print(f"torch {torch.__version__}, {machine(device)}, 64 px, batch 1, seed {arguments.seed}")
    seconds = _rehearsed(arguments, device)
    print(f"{'':10} {'s/step':>8} {'steps':>6} {'minutes':>8} {'PSNR':>6} {'SSIM':>6}")
    last: RunResult | None = None
    for name in arguments.methods:
        epochs = int(arguments.epochs * seconds["cyclegan"] / seconds[name] + 1e-9)
        with tempfile.TemporaryDirectory() as folder:
            result = run(_spec(arguments, name, epochs), run_dir=Path(folder) / name)
        scores = result.metrics[WAY]
        print(
            f"{name:10} {seconds[name]:8.4f} {result.steps:6} {result.seconds / 60:8.2f} "
            f"{scores['psnr']['value']:6.2f} {scores['ssim']['value']:6.3f}",
            flush=True,
        )
        last = result
    for baseline, label in LABELS.items() if last else ():
        scores = last.metrics[WAY]
        psnr, ssim = (scores[name]["baselines"][baseline] for name in ("psnr", "ssim"))
        print(f"{label:15} {'':21} {psnr:6.2f} {ssim:6.3f}")


def _spec(arguments: argparse.Namespace, name: str, epochs: int) -> dict[str, Any]:
    return {
        **METHODS[name],
        "name": name,
        "seed": arguments.seed,
        "domains": {"a": "summer", "b": "winter"},
        "data": {
            "type": "seasons",
            "size": 64,
            "train": SCENES,
            "test": 32,
            "workers": 0,
            "scene_seed": arguments.seed,
            "pairs": name == "pix2pix",
        },
        "generator": {"type": "resnet", "width": 16, "blocks": 4},
        "discriminator": {"type": "patchgan", "width": 16},
        "optimizer": {"lr": 1e-3},
        # Nothing but steps: one look at the end.
        "train": {
            "epochs": epochs,
            "ema": 0.995,
            "sample_every": 0,
            "evaluate_every": 0,
            "checkpoint_every": 0,
        },
    }


def _rehearsed(arguments: argparse.Namespace, device: torch.device) -> dict[str, float]:
    """Median seconds a step of each method, timed in turns."""
    names = dict.fromkeys(["cyclegan", *arguments.methods])
    jobs = {name: assemble(load(_spec(arguments, name, 1)), device) for name in names}
    steps = {name: TrainingStep(job) for name, job in jobs.items()}
    batches = {
        name: training_batches(
            job.samples, batch_size=1, first=0, last=REHEARSED, workers=0, pin_memory=False
        )
        for name, job in jobs.items()
    }
    taken: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(REHEARSED):
        for name, step in steps.items():
            began = now(device)
            step(turn, [next(batches[name])])  # drawing the scenes is part of it
            taken[name].append(now(device) - began)
    return {name: statistics.median(of_it[5:]) for name, of_it in taken.items()}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--epochs", type=int, default=2, help="of CycleGAN: 700 steps each")
    parser.add_argument("--seed", type=int, default=0, help="of the run and of the scenes")
    parser.add_argument(
        "--methods", nargs="+", choices=tuple(METHODS), default=list(METHODS), help="which to run"
    )
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="CPU threads")
    return parser.parse_args()


if __name__ == "__main__":
    main()
