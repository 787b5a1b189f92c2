from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from starlette.testclient import TestClient

from gantrans.serving.app import application
from gantrans.serving.limits import Limits
from gantrans.serving.models import Served, load_models
from served_model import write_run


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Sequence[Served]:
    """A model of both ways, and one of one way whose winters are gray."""
    folder = tmp_path_factory.mktemp("runs")
    both = write_run(folder / "seasons-001")
    one = write_run(folder / "etchings-001", directions=("ab",), channels={"b": 1})
    return load_models([both, one], device="cpu")


@pytest.fixture(scope="session")
def limits() -> Limits:
    return Limits(upload=100_000, pixels=10_000, seconds=30, queue=8)


@pytest.fixture(scope="session")
def client(served: Sequence[Served], limits: Limits) -> Iterator[TestClient]:
    with TestClient(application(served, limits), base_url="http://127.0.0.1:7860") as client:
        yield client
