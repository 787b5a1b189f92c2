"""Curves, pictures and the spec as event files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePath
from textwrap import indent
from typing import Any

import numpy as np
from PIL import Image
from pydantic import Field, field_validator

from gantrans.api.tracker import Tracker, TrackerConfig

SPEC_FILES = ("spec.toml", "spec.resolved.json")


class TensorBoard(Tracker):
    """Writes event files, which `tensorboard --logdir RUN` shows.

    The session of a resumed run writes a file of its own. It begins with a mark by which readers
    forget what earlier files hold of the steps that are done again.
    """

    name = "tensorboard"

    class Config(TrackerConfig):
        """Settings."""

        folder: str = Field(
            "tensorboard", description="where the event files go, inside the run directory"
        )
        flush_seconds: float = Field(
            0, ge=0, description="seconds between writes to disk; 0: after each report"
        )

        @field_validator("folder")
        @classmethod
        def _inside(cls, folder: str) -> str:
            path = PurePath(folder)
            if path.is_absolute() or ".." in path.parts:
                raise ValueError("must be inside the run directory, such as 'tensorboard'")
            return folder

    config: Config

    def __init__(self, config: Config, *, run_dir: Path, start_step: int) -> None:
        super().__init__(config, run_dir=run_dir, start_step=start_step)
        from torch.utils.tensorboard import SummaryWriter

        first = start_step + 1  # of this session; what is recorded from there on will be done again
        # With 0 its thread would never wait: it would keep a core busy.
        seldom = config.flush_seconds or 120
        self._writer = SummaryWriter(
            str(run_dir / config.folder), purge_step=first, flush_secs=seldom
        )
        for name in SPEC_FILES:
            if (file := run_dir / name).is_file():
                # Shown as Markdown, where an indented block is taken as it is.
                text = indent(file.read_text(encoding="utf-8"), " " * 4, lambda line: True)
                self._writer.add_text(name, text, first)
        self._reported()

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """A point of each curve, all of them in one event: a thread takes each event over."""
        from tensorboard.compat.proto.summary_pb2 import Summary

        points = [Summary.Value(tag=curve, simple_value=value) for curve, value in values.items()]
        events: Any = self._writer.file_writer
        events.add_summary(Summary(value=points), step)
        self._reported()

    def images(self, step: int, name: str, image: Image.Image) -> None:
        """A picture, as a PNG."""
        pixels = np.asarray(image.convert("RGB"))
        self._writer.add_image(name, pixels, step, dataformats="HWC")
        self._reported()

    def close(self) -> None:
        """Write what is left, and close the file."""
        self._writer.close()

    def _reported(self) -> None:
        if not self.config.flush_seconds:
            self._writer.flush()
