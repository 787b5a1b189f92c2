"""Curves, pictures and the spec as a run of Weights & Biases."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from PIL import Image
from pydantic import Field

from gantrans.api.tracker import Tracker, TrackerConfig
from gantrans.errors import UsageError
from gantrans_wandb.sent import Sent

INIT_SECONDS = 30.0
FINISH_SECONDS = 60.0
FLUSH_SECONDS = 0.01
"""wandb's process ends with ours, and what it has not written when ours is killed is lost."""


class WeightsAndBiases(Tracker):
    """Reports to wandb.ai, or records on disk what `wandb sync` uploads later.

    Weights & Biases never goes back: a step counts once. What a resumed run does again, which
    gives the same numbers, is left out.
    """

    name = "wandb"

    class Config(TrackerConfig):
        """Settings."""

        project: str = Field("gantrans", min_length=1, description="the project there")
        entity: str | None = Field(
            None, description="the user or team whose project it is; default: yours"
        )
        group: str | None = Field(None, description="runs of one group are shown together")
        tags: list[str] = Field([], description="words to find the run by")
        run_name: str | None = Field(
            None, description="how the run is called there; default: its run directory's name"
        )
        mode: Literal["offline", "online", "disabled"] = Field(
            "offline",
            description="'offline': recorded in the run directory, nothing leaves the machine; "
            "'online': sent as well; 'disabled': nothing",
        )

    config: Config

    def __init__(self, config: Config, *, run_dir: Path, start_step: int) -> None:
        super().__init__(config, run_dir=run_dir, start_step=start_step)
        if config.mode != "online":  # then reports of wandb's own errors stay here too
            os.environ["WANDB_ERROR_REPORTING"] = "false"
        import wandb

        self._wandb = wandb
        self._sent = Sent.of(run_dir)
        self._known = self._open = self._sent.step  # the open step can still get more values
        try:
            if config.mode == "online" and not _logged_in():
                raise UsageError(
                    "nobody is logged in to Weights & Biases: run `wandb login`, or set "
                    'WANDB_API_KEY, or record on disk with mode = "offline"'
                )
            self._run = wandb.init(
                project=config.project,
                entity=config.entity,
                group=config.group,
                tags=config.tags,
                name=config.run_name or run_dir.resolve().name,
                config=_spec(run_dir),
                dir=run_dir.resolve(),  # wandb's own process may be in another folder
                id=self._sent.run_id,
                resume="allow",
                mode=config.mode,
                reinit="create_new",  # a run that the program itself has open is not ours
                settings=_quiet(),
            )
        except (wandb.Error, OSError) as error:
            raise UsageError(
                f"Weights & Biases cannot begin a run ({_line(error)}); "
                'with mode = "offline" it is recorded on disk, and `wandb sync` sends it later'
            ) from error
        self._committed()

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """A point of each curve."""
        self._log(step, dict(values))

    def images(self, step: int, name: str, image: Image.Image) -> None:
        """A picture, as a PNG."""
        self._log(step, {name: self._wandb.Image(image)})

    def close(self) -> None:
        """Write or send what is left; for at most a minute."""
        self._committed()
        try:
            self._run.finish()
        except TimeoutError as error:
            raise UsageError(
                f"not everything was sent within {FINISH_SECONDS:.0f} seconds; it is on disk: "
                f"wandb sync {Path(self._run.dir).parent}"
            ) from error

    def _log(self, step: int, values: dict[str, Any]) -> None:
        if step <= self._known or self.config.mode == "disabled":
            return
        self._run.log(values, step=step)
        if step > self._open:  # which ends the one before
            self._committed()
            self._open = step

    def _committed(self) -> None:
        if self.config.mode != "disabled":
            self._sent.reached(self._open)


def _logged_in() -> bool:
    """Whether there is a key; without asking for one, for nobody may sit there."""
    import wandb

    wandb.setup(wandb.Settings(silent=True))
    return bool(wandb.login(prompt=False))


def _quiet() -> Any:
    """wandb leaves the output alone, says nothing, and looks at neither machine nor code."""
    import wandb

    return wandb.Settings(
        silent=True,
        console="off",
        init_timeout=INIT_SECONDS,
        finish_timeout=FINISH_SECONDS,
        finish_timeout_raises=True,
        disable_git=True,
        save_code=False,
        x_save_requirements=False,
        x_disable_meta=True,
        x_disable_machine_info=True,
        x_disable_stats=True,
        x_transaction_log_flush_interval=FLUSH_SECONDS,
    )


def _spec(run_dir: Path) -> dict[str, Any]:
    """The spec with every default, as the run's config."""
    try:
        resolved = json.loads((run_dir / "spec.resolved.json").read_text(encoding="utf-8"))
    except OSError:
        return {}
    spec: dict[str, Any] = resolved["spec"]
    return spec


def _line(error: Exception) -> str:
    """The first line of what it says."""
    return str(error).partition("\n")[0]
