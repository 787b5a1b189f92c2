from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel

from gantrans.api.path import SpecPath
from gantrans.spec.load import load
from tiny_run import tiny_spec

PLUGIN = '''
import gantrans
from gantrans.api.path import SpecPath


class Weighed(gantrans.Loss):
    """Has a file."""

    name = "weighed"

    class Config(gantrans.LossConfig):
        weights: SpecPath | None = None
'''


class Names(BaseModel):
    file: SpecPath


@pytest.mark.parametrize("given", ["w.safetensors", "/elsewhere/w.safetensors"])
def test_a_path_in_a_spec_is_relative_to_the_specs_folder(tmp_path: Path, given: str) -> None:
    (tmp_path / "plugin.py").write_text(PLUGIN)
    spec = tmp_path / "spec.toml"
    spec.write_text(
        'plugins = ["plugin.py"]\n[data]\ntype = "seasons"\n'
        f'[losses.weighed]\nweights = "{given}"\n'
    )
    assert load(spec).run.losses["weighed"].weights == tmp_path / given


def test_without_a_spec_it_stays_as_it_is() -> None:
    assert Names(file=Path("w.safetensors")).file == Path("w.safetensors")
    assert load(tiny_spec()).run.seed == 0
