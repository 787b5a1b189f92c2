"""Tracker: where the numbers and pictures of a run go. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar

from PIL import Image

from gantrans.api.component import Component, ComponentConfig
from gantrans.api.slot import Slot


class TrackerConfig(ComponentConfig):
    """Settings of a tracker."""


class Tracker(Component):
    """Receives what a run reports. One that raises is dropped with a warning; training goes on.

    Args:
        config: its settings.
        run_dir: the run's folder.
        start_step: 0 for a new run; after a resume the number of finished steps: what was recorded
            beyond it belongs to steps that will be done again, and should be forgotten.
    """

    kind = "tracker"
    Config: ClassVar[type[ComponentConfig]] = TrackerConfig

    def __init__(self, config: Any, *, run_dir: Path, start_step: int) -> None:
        super().__init__(config)
        self.run_dir = run_dir
        self.start_step = start_step

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Numbers as of `step` (finished steps), by curve name."""

    def images(self, step: int, name: str, image: Image.Image) -> None:
        """A picture as of `step`."""

    def close(self) -> None:
        """The run has ended, well or not."""


TrackerSlot = Annotated[TrackerConfig, Slot("tracker")]
