"""What `gantrans evaluate` measures, and on which data, as a spec."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from gantrans.api.problem import KeyPath
from gantrans.errors import CheckpointError, SpecError, UsageError
from gantrans.inference.weights import WeightsHeader
from gantrans.plugin.trust import Trust, check_trust, remember
from gantrans.spec.load import LoadedSpec, Source, load, override, read
from gantrans.spec.model import Domains
from gantrans.training import rundir
from gantrans.training.rundir import RunDirectory

READ = ("data", "metrics", "domains", "plugins", "seed", "train")
"""What counts of a spec that says on which data to judge."""


def spec_of(
    model: Path,
    data: Path | None,
    metrics: Sequence[str] | None,
    settings: Sequence[str],
    plugins: list[Path],
    *,
    both_ways: bool,
    trust: Trust = False,
) -> LoadedSpec:
    """The spec that says what to measure: the run's own, or what `data` says of data and metrics.

    Args:
        model: a run directory or a part of one, where `data` is absent.
        data: a spec.
        metrics: keys of its metrics, or names of others; absent: all of its, and `cycle`.
        settings: overrides, each "KEY=VALUE".
        plugins: one-file plugins; without `data`, the run's copies of its own are used too.
        both_ways: whether the model translates back; if not, `cycle` is not added.
        trust: whether the run's copies may be executed.

    Raises:
        UsageError: if there is neither a run nor `data`, if `settings` name the domains, or if the
            run brings code that is not trusted.
        SpecError: if the spec has mistakes.
    """
    for setting in settings:
        if setting.partition("=")[0].partition(".")[0].strip() == "domains":
            raise UsageError(
                f"--set {setting}: the domains are called as the model calls them; leave it out"
            )
    if data is None:
        source, copies = rundir.recorded(RunDirectory(_run_of(model)))
        given = {file.name for file in plugins}  # such a file takes the place of the run's copy
        kept = {copy: digest for copy, digest in copies.items() if copy.name not in given}
        check_trust(kept, trust)
        plugins = [*kept, *plugins]
    else:
        source = read(data)
        read_keys = {key: source.table[key] for key in READ if key in source.table}
        source = replace(source, table={**read_keys, "losses": {"cycle": {}}})  # a spec has some
    source = override(_with_metrics(source, metrics), settings)
    if metrics is None and both_ways:
        source = _with_cycle(source)
    try:
        loaded = load(source, plugins=plugins)
    except SpecError as error:
        raise SpecError([_as_asked(said, metrics or ()) for said in error.problems]) from None
    remember([origin.sha256 for origin in loaded.registry.file_plugins()])  # named, or trusted
    return loaded


def _run_of(model: Path) -> Path:
    """The run directory that a model is part of."""
    for folder in (model, *model.absolute().parents[:3]):
        if (folder / rundir.RESOLVED).is_file():
            return folder
    raise UsageError(
        f"{model} is not part of a run, whose data could be taken: say which images to judge it "
        "by, with a spec that has [data]: --data SPEC"
    )


def _with_metrics(source: Source, metrics: Sequence[str] | None) -> Source:
    """With only these metrics; one that the spec does not have is taken with its defaults."""
    if metrics is None:
        return source
    there = source.table.get("metrics")
    known = there if isinstance(there, Mapping) else {}
    chosen = {name: known.get(name, {}) for name in metrics}
    new: list[KeyPath] = [("metrics", name) for name in metrics if name not in known]
    return replace(
        source,
        table={**source.table, "metrics": chosen},
        overridden=(*source.overridden, *new),
    )


def _with_cycle(source: Source) -> Source:
    """With the error of the way back; it is among the metrics of a spec that names none."""
    there = source.table.get("metrics")
    if not isinstance(there, Mapping) or "cycle" in there:
        return source
    if any(isinstance(own, Mapping) and own.get("type") == "cycle" for own in there.values()):
        return source  # under another key
    return replace(source, table={**source.table, "metrics": {**there, "cycle": {}}})


def _as_asked(problem: str, metrics: Sequence[str]) -> str:
    """What is wrong with a name of --metrics, said of that option."""
    for name in metrics:
        start = f"--set metrics.{name}: "
        if problem.startswith(start):
            return f"--metrics {name}: {problem.removeprefix(start)}"
    return problem


def with_names(loaded: LoadedSpec, headers: Sequence[WeightsHeader]) -> LoadedSpec:
    """The spec with the domains called as the model calls them.

    Raises CheckpointError if its generators disagree, UsageError if the spec has them exchanged.
    """
    names = headers[0].domains
    if any(header.domains != names for header in headers):
        raise CheckpointError("the generators are of different domains: give the files of one run")
    spec = loaded.run.domains
    if spec.a == names["b"] or spec.b == names["a"]:
        raise UsageError(
            f"the model's first domain is {names['a']} and its second {names['b']}, and "
            f"{loaded.source.name} has them the other way round: exchange its folders and names"
        )
    domains = Domains.model_construct(a=names["a"], b=names["b"])  # as the file has them
    return replace(loaded, run=loaded.run.model_copy(update={"domains": domains}))
