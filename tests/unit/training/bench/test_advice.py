from __future__ import annotations

from typing import Any

from gantrans.training.bench.advice import advise
from gantrans.training.bench.throughput import Throughput
from gantrans.training.bench.trials import Trial


def trial(key: str, setting: str, seconds: float, **more: Any) -> Trial:
    """Beside a step of one second."""
    return Trial(key, setting, seconds=seconds, before=1.0, **more)


def quiet(waiting: float = 0.0) -> Throughput:
    return Throughput(seconds=1.0, waiting=waiting, spread=0.02)


def advised(own: Throughput, trials: list[Trial], cached: bool = False) -> list[str]:
    return advise(own, trials, cached=cached)


def test_what_gains_most_comes_first_with_its_price() -> None:
    trials = [
        trial("channels_last", "train.channels_last = true", 0.8),
        trial("precision", 'train.precision = "bf16"', 0.5),
        trial("batch_size", "train.batch_size = 2", 0.9),
    ]
    bf16, last, batch = advised(quiet(), trials)
    assert bf16.startswith(
        'train.precision = "bf16" is 2.00 times as fast here (it changes numbers'
    )
    assert last == "train.channels_last = true is 1.25 times as fast here"
    assert (
        batch.startswith("train.batch_size = 2 is 1.11 times") and "changes the training" in batch
    )


def test_the_price_of_compilation_is_its_first_step() -> None:
    [line] = advised(quiet(), [trial("compile", "train.compile = true", 0.5, first=61.7)])
    assert line.endswith("(the first step took 62 s)")


def test_where_nothing_gains_it_says_so() -> None:
    slower = trial("precision", 'train.precision = "bf16"', 8.0)
    noise = trial("threads", "OMP_NUM_THREADS=1", 0.97)
    failed = Trial("batch_size", "train.batch_size = 2", failed="there is not enough memory")
    [line] = advised(quiet(), [slower, noise, failed])
    assert line.startswith("nothing tried is more than 5% faster")


def test_waiting_for_data_is_answered_with_workers_if_they_help() -> None:
    [line] = advised(quiet(0.3), [])
    assert "waiting 30% of the time" in line and "workers" not in line

    helping = trial("workers", "data.workers = 4", 0.7)
    first, second = advised(quiet(0.3), [helping])
    assert first.endswith("waiting 30% of the time: set data.workers = 4")
    assert second == "data.workers = 4 is 1.43 times as fast here"

    [line] = advised(quiet(0.3), [trial("workers", "data.workers = 4", 1.0)])
    assert "more workers do not help" in line

    [line] = advised(quiet(0.3), [], cached=True)
    assert "though they are cached" in line


def test_recomputing_is_a_matter_of_memory() -> None:
    recompute = trial("recompute", "train.recompute = true", 1.25, peak=600, peak_before=1000)
    assert advised(quiet(), [recompute])[0] == (
        "train.recompute = true needs 60% of the memory, and 1.25 times as long"
    )


def test_a_busy_machine_makes_numbers_doubtful() -> None:
    line, _ = advised(Throughput(seconds=1.0, waiting=0.0, spread=0.8), [])
    assert line.startswith("the speed varies by 80%: something else uses this machine")
