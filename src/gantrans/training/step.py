"""One training step: for each phase its terms, their weighted sum, backward, and the optimizer."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import cast

import torch
from torch import Tensor, nn

from gantrans.api.generator import Generator
from gantrans.api.loss import LossTerms
from gantrans.api.method import Batch, Phase, PhaseResult
from gantrans.api.network import frozen_statistics, running_statistics
from gantrans.api.step import ENDS, Direction
from gantrans.training.assemble import Job
from gantrans.training.batch import LoadedBatch
from gantrans.training.data_parallel import DataParallel, average_over_ranks
from gantrans.training.ema import WeightAverage
from gantrans.training.health.observation import Observation
from gantrans.training.initialise import seed_torch
from gantrans.training.schedule import PATIENCE, Plateau, learning_rate


class TrainingStep:
    """The method's phases with what the trainer owns of them: optimizers, precision, averages.

    Args:
        job: what to train.
    """

    def __init__(self, job: Job) -> None:
        self.job, self.method = job, job.method
        self.execution = job.execution
        # A network may have frozen some of its weights itself; those stay as they are.
        self._trainable = {
            name: [weight for weight in network.parameters() if weight.requires_grad]
            for name, network in self.method.networks.items()
        }
        self._with_statistics = [n for n in self.method.networks.values() if running_statistics(n)]
        self.optimizers = {
            phase.name: self._adam([w for name in phase.trains for w in self._trainable[name]])
            for phase in self.method.phases
        }
        self.losses = self.method.parts.losses.trainable()
        self.loss_optimizers = {
            name: self._adam([w for w in loss.parameters() if w.requires_grad])
            for name, loss in self.losses.items()
        }
        self.plateau = Plateau(job.spec.train.decay_patience or PATIENCE)
        self.averages: dict[str, WeightAverage] = {}
        if job.spec.train.ema:
            self.averages = {
                name: WeightAverage(self.method.networks[name], job.spec.train.ema)
                for name in self.method.averaged
            }
        self.execution.prepare(self.method.networks.values())
        self.unreached: dict[str, list[str]] = {}
        """Networks that have got no gradient yet, and the losses that should have given one."""
        self._awaited = {name for name, weights in self._trainable.items() if weights}
        self._runs = {phase.name: self._on_all_ranks(phase) for phase in self.method.phases}

    def __call__(
        self, step: int, loaded: Sequence[LoadedBatch], observed: Observation | None = None
    ) -> dict[str, Tensor]:
        """Train on `loaded`, whose gradients are added up; the terms by curve, as device scalars.

        Args:
            step: finished steps so far.
            loaded: `train.accumulate` batches.
            observed: is shown what the step makes, if it shall be looked at.
        """
        with self.execution.step():
            return self._train(step, loaded, observed)

    def _train(
        self, step: int, loaded: Sequence[LoadedBatch], observed: Observation | None
    ) -> dict[str, Tensor]:
        spec, device = self.job.spec, self.job.device
        # Dropout must not depend on where a resume began; ranks see different images.
        rank = self.job.ranks.rank
        seed_torch(spec.seed, "step", step, *(("rank", rank) if rank else ()))
        weights = {name: loss.weight_at(step) for name, loss in spec.losses.items()}
        active = {name for name, weight in weights.items() if weight}
        batches = [
            Batch(
                real={d: self.execution.lay_out(x) for d, x in batch.on(device).items()},
                ordinal=(step * len(loaded) + n) * spec.train.batch_size,
                active=active,
                paired=self.job.samples.paired,
            )
            for n, batch in enumerate(loaded)
        ]
        terms: dict[str, Tensor] = {}
        for phase in self.method.phases:
            self._freeze_all_but(phase.trains)
            for n, batch in enumerate(batches):
                batches[n], found = self._accumulate(phase, batch, weights, len(batches))
                for curve, value in found.items():
                    terms[curve] = terms[curve] + value if curve in terms else value
            self._note_reached(phase, active)
            if observed:
                for name in phase.trains:
                    observed.gradients_of(name, self._trainable[name])
            self._update(self.optimizers[phase.name], step)
        for name, optimizer in self.loss_optimizers.items():
            average_over_ranks(self.losses[name].parameters())  # whatever phases they are read in
            self._update(optimizer, step)
        for average in self.averages.values():
            average.update(step + 1)
        if observed:
            observed.images_of(batches[-1])
        if len(batches) == 1:  # every operation on a scalar is one more launch of a kernel
            return terms
        return {curve: value / len(batches) for curve, value in terms.items()}

    def _accumulate(
        self, phase: Phase, batch: Batch, weights: Mapping[str, float], count: int
    ) -> tuple[Batch, dict[str, Tensor]]:
        """Add the gradient of one of `count` batches; what later phases see, and the terms."""
        with self.execution.forward():
            result = self._runs[phase.name](phase.prepare(batch))
        objective: Tensor | None = None
        curves: dict[str, Tensor] = {}
        for loss, given in result.terms.items():
            for key, term in _by_key(given).items():
                weighted = weights[loss] * term
                objective = weighted if objective is None else objective + weighted
                curves[self._curve(phase, loss, key)] = term.detach()
        if objective is not None and objective.requires_grad:
            # A network may run parts of itself again for their gradients (activation
            # checkpointing): these passes have updated the running statistics before.
            with frozen_statistics(*self._with_statistics):
                torch.autograd.backward(objective / count if count > 1 else objective)
        return replace(batch, fake=result.fake or batch.fake), curves

    def _note_reached(self, phase: Phase, active: Collection[str]) -> None:
        """Note which networks get gradients, whatever their size: that would wait for the device.

        Most losses reach all networks at the first step, after which there is nothing to do.
        """
        losses = self.method.parts.losses.by_name
        for name in sorted(self._awaited & phase.trains.keys()):
            if any(weight.grad is not None for weight in self._trainable[name]):
                self._awaited.remove(name)
                self.unreached.pop(name, None)
            elif meant := [n for n in losses if n in active and losses[n].sides() & phase.sides]:
                self.unreached[name] = meant

    def _on_all_ranks(self, phase: Phase) -> Callable[[Batch], PhaseResult]:
        """The phase; where there are more ranks, with gradients that are means over all of them."""
        trained = [weight for name in phase.trains for weight in self._trainable[name]]
        if self.job.ranks.count == 1 or not trained:
            return phase
        if self.execution.compiled:  # torch would cut networks at what is exchanged in one message
            torch._dynamo.config.optimize_ddp = False
        return DataParallel(phase, trained, self.job.spec.train.accumulate)

    def _adam(self, weights: list[nn.Parameter]) -> torch.optim.Adam:
        settings, device = self.job.spec.optimizer, self.job.device
        fused, lr = device.type in {"cpu", "cuda"}, settings.lr
        # On CUDA the rate is a tensor too, so that a change of it needs no other kernel.
        rate = torch.tensor(lr, device=device) if device.type == "cuda" else lr
        return torch.optim.Adam(weights, lr=rate, betas=settings.betas, fused=fused)

    def _update(self, optimizer: torch.optim.Optimizer, step: int) -> None:
        settings = self.job.spec.optimizer
        rate = self.rate(step)
        for group in optimizer.param_groups:
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(rate)
            else:
                group["lr"] = rate
            if settings.clip_norm is not None:
                nn.utils.clip_grad_norm_(group["params"], settings.clip_norm)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    def rate(self, step: int) -> float:
        """The learning rate of the step that follows `step` finished ones."""
        settings, length = self.job.spec.optimizer, self.job.steps_per_epoch
        return learning_rate(step, length, settings.lr, self.job.spec.train, self.plateau.drops)

    def _freeze_all_but(self, trained: Collection[str]) -> None:
        for name, weights in self._trainable.items():
            for weight in weights:
                weight.requires_grad_(name in trained)

    def _curve(self, phase: Phase, loss: str, key: str) -> str:
        """generators/adversarial/summer->winter, discriminators/adversarial/winter"""
        a, b = self.job.spec.domains.a, self.job.spec.domains.b
        named = {"ab": f"{a}->{b}", "ba": f"{b}->{a}", "a": a, "b": b}.get(key, key)
        if key in ENDS and not self.method.generators:  # nothing is translated: by what is made
            named = {"ab": b, "ba": a}[key]
        return "/".join(part for part in (phase.name, loss, named) if part)

    def translators(self) -> dict[Direction, Generator]:
        """The generators as one would use them, by direction."""
        return {key: self._mean_of(network) for key, network in self.method.generators.items()}

    def _mean_of(self, network: Generator) -> Generator:
        means = [a.mean for a in self.averages.values() if a.network is network]
        return cast(Generator, means[0]) if means else network

    def for_use(self) -> dict[str, nn.Module]:
        """Every network as one would use it: the averaged generators where there are averages."""
        means = {name: average.mean for name, average in self.averages.items()}
        return {**self.method.networks, **means}

    def state(self) -> dict[str, Tensor]:
        """What a resumed run needs beside `for_use`, as named tensors."""
        found = {f"method/{key}": value for key, value in self.method.state().items()}
        for name in self.averages:  # for_use gives the mean; training goes on from the weights
            weights = self.method.networks[name].state_dict()
            found |= {f"weights/{name}/{key}": value for key, value in weights.items()}
        for name, loss in self.losses.items():
            found |= {f"loss/{name}/{key}": value for key, value in loss.state_dict().items()}
        for part, optimizers in self._all_optimizers().items():
            for name, optimizer in optimizers.items():
                for index, moments in optimizer.state_dict()["state"].items():
                    found |= {f"{part}/{name}/{index}/{k}": v for k, v in moments.items()}
        return found

    def _all_optimizers(self) -> dict[str, Mapping[str, torch.optim.Optimizer]]:
        return {"optimizer": self.optimizers, "loss_optimizer": self.loss_optimizers}

    def load_state(
        self, networks: Mapping[str, Mapping[str, Tensor]], state: Mapping[str, Tensor]
    ) -> None:
        """Take back what `for_use` (as state dicts) and `state` gave."""
        tree: dict[str, dict[str, dict[str, Tensor]]] = {}
        for path, value in state.items():
            part, _, rest = path.partition("/")
            name, _, key = rest.partition("/")
            tree.setdefault(part, {}).setdefault(name, {})[key] = value
        for name, network in self.method.networks.items():
            raw = tree.get("weights", {}).get(name)
            network.load_state_dict(raw or networks[name])
            if name in self.averages:
                self.averages[name].mean.load_state_dict(networks[name])
        self.method.load_state({name: kept[""] for name, kept in tree.get("method", {}).items()})
        for name, loss in self.losses.items():
            _take_back(name, loss, tree.get("loss", {}).get(name, {}))
        for part, optimizers in self._all_optimizers().items():
            for name, optimizer in optimizers.items():
                moments: dict[int, dict[str, Tensor]] = {}
                for key, value in tree.get(part, {}).get(name, {}).items():
                    index, _, moment = key.partition("/")
                    moments.setdefault(int(index), {})[moment] = value
                groups = optimizer.state_dict()["param_groups"]
                optimizer.load_state_dict({"state": moments, "param_groups": groups})
                self._lay_out_moments(optimizer)

    def _lay_out_moments(self, optimizer: torch.optim.Optimizer) -> None:
        """As their weights are: a fused optimizer goes through both in the order of memory."""
        for weight, moments in optimizer.state.items():
            for name, moment in moments.items():
                if moment.shape == weight.shape:
                    moments[name] = torch.empty_like(weight).copy_(moment)


def _take_back(name: str, loss: nn.Module, saved: Mapping[str, Tensor]) -> None:
    """Load a loss's own weights. Raises ValueError, naming the loss, if they do not fit."""
    own = loss.state_dict()
    for key in {**own, **saved}:
        if key not in own or key not in saved or own[key].shape != saved[key].shape:
            found = tuple(saved[key].shape) if key in saved else "nothing"
            wanted = tuple(own[key].shape) if key in own else "nothing"
            raise ValueError(f"{key} of the loss {name!r} was saved as {found}, now it is {wanted}")
    loss.load_state_dict(dict(saved))


def _by_key(terms: LossTerms) -> Mapping[str, Tensor]:
    return {"": terms} if isinstance(terms, Tensor) else terms
