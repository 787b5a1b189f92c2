"""Run directories as `gantrans run` leaves them, drawn instead of trained."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from gantrans.training.grid import Block, grid, save

DOMAINS = {"a": "summer", "b": "winter"}
WAYS = ("summer->winter", "winter->summer")

SPEC: dict[str, Any] = {
    "name": "drawn",
    "seed": 3,
    "domains": DOMAINS,
    "metrics": {"swd": {"type": "swd"}, "cycle": {"type": "cycle"}},
    "losses": {"cycle": {"type": "cycle", "weight": 10.0}},
    "train": {"epochs": 2, "log_every": 20},
}
MEASURES = {
    "swd": {"higher_is_better": False, "unit": "", "needs_cycle": False},
    "cycle": {"higher_is_better": False, "unit": "levels", "needs_cycle": True},
}


def fault(step: int, name: str, **more: Any) -> dict[str, Any]:
    """A line of health.jsonl."""
    return {
        "step": step,
        "fault": name,
        "title": name.replace("_", " "),
        "where": "summer->winter",
        "state": "began",
        "since": step - 50,
        "value": 0.99,
        "threshold": 0.97,
        "severity": "fault",
        "seen": f"{name} is seen: 99% (more than 97%)",
        "means": f"{name} means something",
        "try": "another spec",
        **more,
    }


def drawn_run(
    path: Path,
    *,
    swd: Sequence[float] = (200.0, 120.0, 80.0, 60.0),
    unchanged: float = 310.0,
    mean: float = 900.0,
    steps: int = 1000,
    finished: bool = True,
    health: Iterable[Mapping[str, Any]] = ({"step": 200, "state": "judging"},),
    samples: int = 3,
    images: int = 2,
    shade: float = 0.0,
    spec: Mapping[str, Any] = SPEC,
) -> Path:
    """A run of `steps` steps whose swd was `swd`, in both directions.

    Args:
        path: the folder to make.
        swd: of the evaluations, spread evenly.
        unchanged: the value of the input unchanged.
        mean: that of the mean image.
        steps: of the run.
        finished: whether it has its summary.
        health: the lines of health.jsonl.
        samples: how many sample pictures.
        images: of each direction.
        shade: added to every source image, so that two runs differ.
        spec: as resolved.
    """
    (path / "samples").mkdir(parents=True)
    _write(
        path / "spec.resolved.json",
        {
            "gantrans": "0.1.0",
            "python": "3.11.7",
            "packages": {"torch": "2.8.0"},
            "plugins": [{"name": "gantrans", "version": "0.1.0"}],
            "overridden": ["train.epochs"],
            "spec": spec,
            "changed": [{"key": "train.epochs", "value": 2, "default": 200}],
            "measures": MEASURES,
            "machine": "a machine, 2 threads",
            "device": "cpu",
            "steps": steps,
        },
    )
    (path / "spec.toml").write_text('name = "drawn"\n')
    lines: list[dict[str, Any]] = []
    for step in range(20, steps + 1, 20):
        curves = {f"generators/cycle/{domain}": 1 / step for domain in DOMAINS.values()}
        lines.append({"step": step, **curves, "images_per_second": 12.5, "learning_rate": 2e-4})
    evaluated = [steps * (n + 1) // len(swd) for n in range(len(swd))]
    for step, value in zip(evaluated, swd, strict=True):
        lines.append({"step": step, **{f"metrics/swd/{way}": value for way in WAYS}})
    lines.sort(key=lambda line: line["step"])
    write_lines(path / "metrics.jsonl", lines)
    write_lines(path / "health.jsonl", health)
    baselines = {"input_unchanged": unchanged, "mean_image": mean}
    scores = {way: {"swd": {"value": swd[-1], "baselines": baselines}} for way in WAYS}
    finite = [value for value in swd if math.isfinite(value)]
    best = {"step": evaluated[swd.index(min(finite))], "value": min(finite)} if finite else None
    checkpoint = path / "checkpoints" / f"step-{steps:08d}"
    checkpoint.mkdir(parents=True)
    for ends in ("ab", "ba"):
        (checkpoint / f"generator_{ends}.safetensors").write_bytes(b"")
    facts = {"step": steps, "seconds": steps / 10, "best": best, "scores": scores}
    _write(checkpoint / "training.json", facts)
    if finished:
        summary = {
            "steps": steps,
            "seconds": 100.0,
            "metrics": scores,
            "best_step": best and best["step"],
        }
        _write(path / "summary.json", {**summary, "best_by": "swd", "stopped": None})
    (path / "log.txt").write_text("2026-11-26 01:00:00  drawn: summer <-> winter\n")
    for n in range(samples):
        draw_samples(path, steps * (n + 1) // samples, images=images, shade=shade)
    return path


def draw_samples(
    run: Path, step: int, *, images: int = 2, size: int = 32, shade: float = 0
) -> None:
    """A sample grid whose translations are brighter, the later the step is."""
    blocks = []
    for source, target in (("summer", "winter"), ("winter", "summer")):
        rows = []
        for n in range(images):
            first = torch.full((3, size, size), -0.5 + 0.1 * n + shade)
            rows.append([first, torch.full((3, size, size), min(1.0, step / 1000)), first])
        blocks.append(Block(f"{source} -> {target} -> {source}", [source, target, source], rows))
    save(grid(blocks), run / "samples" / f"step-{step:08d}.png")


def write_lines(path: Path, lines: Iterable[Mapping[str, Any]]) -> None:
    """A file of JSON objects, one a line."""
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def _write(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content))
