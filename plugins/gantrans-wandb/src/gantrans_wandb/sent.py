"""What of a run was reported to Weights & Biases before: its id there, and the last step."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Sent:
    """Kept in `RUN/wandb/gantrans.json`, so that a resumed run goes on as the same one.

    Args:
        path: the file.
        run_id: the run's id in Weights & Biases.
        step: the last step that is reported in full; 0: none.
    """

    path: Path
    run_id: str
    step: int

    @classmethod
    def of(cls, run_dir: Path) -> Sent:
        """What the run directory knows; a new id if there is nothing, or nothing readable."""
        path = run_dir / "wandb" / "gantrans.json"
        try:
            kept = json.loads(path.read_text(encoding="utf-8"))
            return cls(path, str(kept["id"]), int(kept["step"]))
        except (OSError, ValueError, LookupError, TypeError):
            return cls(path, secrets.token_hex(4), 0)

    def reached(self, step: int) -> None:
        """Everything up to `step` is reported."""
        self.step = step
        self.path.parent.mkdir(exist_ok=True)
        partial = self.path.with_suffix(".partial")
        partial.write_text(json.dumps({"id": self.run_id, "step": step}), encoding="utf-8")
        partial.replace(self.path)
