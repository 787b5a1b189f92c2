"""The trackers of a run: each is told everything, and one that fails is dropped."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from PIL import Image

from gantrans.api.tracker import Tracker, TrackerConfig


class Trackers:
    """Tells the trackers of a spec; whatever they raise, training goes on.

    Args:
        configs: by their key in the spec.
        run_dir: the run directory.
        start_step: finished steps when the session begins.
        say: where a tracker that is dropped is told of.
    """

    def __init__(
        self,
        configs: Mapping[str, TrackerConfig],
        *,
        run_dir: Path,
        start_step: int,
        say: Callable[[str], None],
    ) -> None:
        self._say = say
        self._trackers: dict[str, Tracker] = {}
        for name, config in configs.items():
            try:
                self._trackers[name] = config.build(run_dir=run_dir, start_step=start_step)
            except Exception as error:
                self._drop(name, error)

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Numbers as of `step`, by curve name."""
        self._tell(lambda tracker: tracker.scalars(step, values))

    def images(self, step: int, name: str, image: Image.Image) -> None:
        """A picture as of `step`."""
        self._tell(lambda tracker: tracker.images(step, name, image))

    def close(self) -> None:
        """The run has ended, well or not."""
        self._tell(lambda tracker: tracker.close())

    def _tell(self, report: Callable[[Tracker], None]) -> None:
        for name, tracker in list(self._trackers.items()):
            try:
                report(tracker)
            except Exception as error:
                del self._trackers[name]
                self._drop(name, error)

    def _drop(self, name: str, error: Exception) -> None:
        self._say(f"the tracker {name!r} failed and is dropped: {type(error).__name__}: {error}")
