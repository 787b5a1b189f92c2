from __future__ import annotations

from pathlib import Path

import pytest

from gantrans.errors import CheckpointError, UsageError
from gantrans.serving import models
from gantrans.serving.models import load_models, names
from served_model import write_run


def test_models_are_called_by_their_own_names_without_the_folders_around_them(
    tmp_path: Path,
) -> None:
    run = write_run(tmp_path / "secret" / "seasons-001")
    step = run / "checkpoints" / "step-00000010"
    other = write_run(tmp_path / "other" / "seasons-001")
    alone = tmp_path / "winter.safetensors"
    alone.touch()

    found = names([run, step, step / "generator_ab.safetensors", other, alone])

    assert found == [
        "seasons-001",
        "seasons-001/step-00000010",
        "seasons-001/step-00000010/generator_ab",
        "seasons-001 (2)",
        "winter",
    ]


def test_a_model_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="nowhere"):
        load_models([tmp_path / "nowhere"])


def test_a_model_of_other_files_than_a_browser_shows_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = write_run(tmp_path / "cells")
    monkeypatch.setattr(models.Translator, "files", lambda self, to: (object(), object()))

    with pytest.raises(UsageError, match=r"cells are no ordinary ones.*gantrans translate"):
        load_models([run])
