"""What a method holds, tried in a small run."""

from __future__ import annotations

import torch
from torch import Tensor

from gantrans.api.step import ENDS
from gantrans.errors import GantransError
from gantrans.testing.check import Check, CheckFailed, blamed, checks, need
from gantrans.testing.small_run import DATA, READER, differing, job, step_once, steps_of, trained
from gantrans.testing.subject import Subject
from gantrans.training.in_use import in_use
from gantrans.training.step import TrainingStep


def use(subject: Subject) -> None:
    """Train one step."""
    trained(subject, 1)


def trains_every_network_once(subject: Subject) -> None:
    """Its phases have names of their own, and train each of its networks once."""
    method = job(subject).method
    names = [phase.name for phase in method.phases]
    need(len(set(names)) == len(names), f"its phases are called {names}: give each its own name")
    trained = [name for phase in method.phases for name in phase.trains]
    need(
        sorted(trained) == sorted(method.networks),
        f"its phases train {sorted(trained)}, its networks are {sorted(method.networks)}: name "
        "each network in `trains` of one phase",
    )
    for phase in method.phases:
        for name, network in phase.trains.items():
            need(
                method.networks[name] is network,
                f"the phase {phase.name!r} trains another {name!r} than networks[{name!r}]: pass "
                "the same object",
            )


def generators_have_their_direction(subject: Subject) -> None:
    """Each of its generators is one of its networks, made for the direction it stands for."""
    made = job(subject)
    names = {id(network): name for name, network in made.method.networks.items()}
    for direction, generator in made.method.generators.items():
        need(
            direction in ENDS,
            f'generators has the key {direction!r}: the directions are "ab" and "ba"',
        )
        name = names.get(id(generator))
        need(
            name is not None and name in made.ends,
            f"generators[{direction!r}] is none of its networks: put it into `networks`, made by "
            "parts.make_generator under the same name",
        )
        need(
            str(name).startswith("generator_"),
            f"generators[{direction!r}] is called {name!r}, and `gantrans translate` looks for "
            "files whose names begin with generator_: call it generator_ab, or generator_ba",
        )
        ends = made.ends[name or ""]
        need(
            (ends.source, ends.target) == ENDS[direction],
            f"generators[{direction!r}] is {name!r}, made from {ends.source!r} to "
            f"{ends.target!r}: exchange them",
        )


def has_something_to_show(subject: Subject) -> None:
    """It translates, or draws sheets of images (N, C, H, W) in [-1, 1], the same at every look."""
    made = job(subject)
    method, networks = made.method, TrainingStep(made).for_use()
    with in_use(networks.values()):
        first, again = (method.sheets(networks, 3) for _ in range(2))
    need(
        bool(method.generators or first),
        "it has no generators and draws no sheets: a run could show nothing; give "
        "self.generators, or override sheets()",
    )
    for heading, images in first.items():
        what = f"sheets(networks, 3)[{heading!r}]"
        need(
            isinstance(images, Tensor) and images.dim() == 4 and len(images) == 3,
            f"{what} is no tensor (3, C, H, W): give one image for each that is asked for",
        )
        need(
            bool(torch.isfinite(images).all()) and float(images.abs().max()) <= 1,
            f"{what} has values outside [-1, 1]: scale them",
        )
        need(
            torch.equal(images, again[heading]),
            f"{what} is another at the second look: draw from a torch.Generator that is seeded "
            "from parts.seed, so that a run's samples can be compared",
        )


def averages_its_own_networks(subject: Subject) -> None:
    """What it names in `averaged` are networks of its own."""
    method = job(subject).method
    unknown = sorted(set(method.averaged) - set(method.networks))
    need(
        not unknown,
        f"averaged names {', '.join(map(repr, unknown))}, which is none of its networks "
        f"({', '.join(method.networks)})",
    )


def a_step_moves_every_network(subject: Subject) -> None:
    """One training step changes every network."""
    made = job(subject)
    networks = made.method.networks
    before = {name: [w.clone() for w in net.parameters()] for name, net in networks.items()}
    step_once(subject, TrainingStep(made), 0, steps_of(made, 1)[0])
    still = [
        name
        for name, network in networks.items()
        if all(map(torch.equal, before[name], network.parameters()))
    ]
    need(
        not still,
        f"a training step leaves {', '.join(still)} as it was: let its phase give terms that "
        "depend on it, without .detach() in between",
    )


def leaves_the_batch_alone(subject: Subject) -> None:
    """The images of a batch are afterwards as they were."""
    made = job(subject)
    loaded = steps_of(made, 1)[0]
    before = [{d: x.clone() for d, x in batch.real.items()} for batch in loaded]
    step_once(subject, TrainingStep(made), 0, loaded)
    for batch, images in zip(loaded, before, strict=True):
        for domain, x in images.items():
            need(
                torch.equal(batch.real[domain], x),
                f"it writes into batch.real[{domain!r}], which its other phases read: use "
                "x = x + y, not x += y, .clamp_() and the like",
            )


def terms_are_finite_scalars(subject: Subject) -> None:
    """Every term of a step is a finite scalar."""
    terms = step_once(subject, TrainingStep(made := job(subject)), 0, steps_of(made, 1)[0])
    need(bool(terms), "a step has no terms: let phases give losses.terms(side, step, active)")
    for curve, term in terms.items():
        need(
            isinstance(term, Tensor) and term.dim() == 0 and bool(torch.isfinite(term)),
            f"the term {curve!r} is {term!r}: give finite scalars",
        )


def gives_what_it_provides(subject: Subject) -> None:
    """A loss can read everything that it says it provides."""
    later = {"r1": {"start": 1}}  # discriminators need a loss too; in the first step it is not read
    made = job(subject, losses={READER: {}, **later}, data={**DATA, "pairs": True})
    try:
        terms = TrainingStep(made)(0, steps_of(made, 1)[0])
    except Exception as error:
        said = str(error) if isinstance(error, GantransError) else blamed(error, subject.code)
        raise CheckFailed(
            f"a loss that reads all of `provides` fails: {said}; put those passes into the "
            "TranslationStep, or take them out of `provides`"
        ) from error
    need(
        any(READER in curve for curve in terms),
        "a loss with a generator side is not among its terms: let a phase give "
        'losses.terms("generator", step, batch.active)',
    )


def gives_the_same_twice_with_one_seed(subject: Subject) -> None:
    """Two runs of one seed are the same."""
    first, second = (trained(subject, 2) for _ in range(2))
    others = differing(first, second)
    need(
        not others,
        f"two runs of one seed differ in {', '.join(others[:3])}: draw random numbers with "
        "torch, or with gantrans.api.randomness.stream(parts.seed, ...)",
    )


def resumes_as_if_never_stopped(subject: Subject) -> None:
    """A run that goes on from its saved state equals one that was never stopped."""
    whole = trained(subject, 3)
    saved = trained(subject, 2)
    later = TrainingStep(job(subject))
    networks = {name: net.state_dict() for name, net in saved.for_use().items()}
    try:
        later.load_state(networks, saved.state())
    except Exception as error:
        raise CheckFailed(
            f"load_state() does not take what state() gave: it raises "
            f"{blamed(error, subject.code)}; read the keys that state() writes"
        ) from error
    given, taken = saved.method.state(), later.method.state()
    need(
        given.keys() == taken.keys() and all(torch.equal(taken[k], v) for k, v in given.items()),
        "after load_state(), state() gives other values: take back everything that state() gives",
    )
    step_once(subject, later, 2, steps_of(later.job, 3)[2])
    others = differing(whole, later)
    need(
        not others,
        f"resumed after two steps, the third differs in {', '.join(others[:3])}: put all that "
        "a later step depends on into state(), and draw by the batch's ordinal",
    )


def works_in_bf16(subject: Subject) -> None:
    """In bf16 its terms are finite, and within 10 % of the float32 ones."""
    found = []
    for precision in ("fp32", "bf16"):
        made = job(subject, train={"epochs": 2, "evaluate_every": 0, "precision": precision})
        found.append(step_once(subject, TrainingStep(made), 0, steps_of(made, 1)[0]))
    exact, rough = found
    for curve, term in exact.items():
        value, close = float(term), float(rough[curve])
        need(
            abs(close - value) <= 0.1 * abs(value) + 1e-2,
            f"in bf16 the term {curve!r} is {close:.4g}, not {value:.4g}: run generators and "
            "discriminators through gantrans.api.network (translate, step.score), which give "
            "float32",
        )


CHECKS: tuple[Check, ...] = checks(
    "method",
    trains_every_network_once,
    generators_have_their_direction,
    has_something_to_show,
    averages_its_own_networks,
    a_step_moves_every_network,
    leaves_the_batch_alone,
    terms_are_finite_scalars,
    gives_what_it_provides,
    gives_the_same_twice_with_one_seed,
    resumes_as_if_never_stopped,
    works_in_bf16,
)
