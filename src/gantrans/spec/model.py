"""RunSpec: everything a run is made of, validated."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal
from unicodedata import normalize

from pydantic import AfterValidator, BaseModel, Field, field_validator, model_validator

from gantrans.api.component import ComponentConfig
from gantrans.api.dataset import DatasetSlot
from gantrans.api.discriminator import DiscriminatorSlot
from gantrans.api.generator import GeneratorSlot
from gantrans.api.loss import LossSlot
from gantrans.api.method import MethodSlot
from gantrans.api.metric import MetricConfig, MetricSlot
from gantrans.api.problem import Problem, carried, shown
from gantrans.api.table import Table
from gantrans.api.tracker import TrackerSlot

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*\Z")


def _curve(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        raise ValueError("it names a curve: use letters, digits and '_'")
    return name


Curve = Annotated[str, AfterValidator(_curve)]


class Domains(Table):
    """What the two domains are called, everywhere a user meets them."""

    a: str = Field("a", min_length=1, max_length=40, description="name of the first domain")
    b: str = Field("b", min_length=1, max_length=40, description="name of the second domain")

    @field_validator("a", "b")
    @classmethod
    def _plain(cls, name: str) -> str:
        if not re.fullmatch(r"\w([\w .-]*[\w.-])?", name):
            raise ValueError("use letters, digits, '.', '_', '-', and spaces between them")
        return name

    @model_validator(mode="after")
    def _different(self) -> Domains:
        a, b = ("".join(normalize("NFKC", name).casefold().split()) for name in (self.a, self.b))
        if a == b:
            raise ValueError(
                "the domains need two different names; spaces and capitals make no difference"
            )
        return self


class Init(Table):
    """The weights that networks start from; those of normalisations are drawn around 1."""

    scheme: Literal["normal", "xavier", "kaiming", "orthogonal"] = Field(
        "normal",
        description="how the weights of convolutions and linear layers are drawn: of one standard "
        "deviation; of one that keeps the variance on the way there and back (xavier), or there, "
        "through ReLU (kaiming); as an orthogonal matrix. Networks that bring their own weights "
        "keep them",
    )
    gain: float | None = Field(
        None,
        gt=0,
        description="normal: the standard deviation; else a factor of the weights; absent: 0.02 "
        "for normal, 1 for the others",
    )


class Optimizer(Table):
    """Adam (Kingma & Ba 2015), one for each phase."""

    lr: float = Field(2e-4, gt=0, description="learning rate")
    betas: tuple[float, float] = Field(
        (0.5, 0.999), description="decay of the running means of gradient and squared gradient"
    )
    clip_norm: float | None = Field(
        None, gt=0, description="largest norm of a phase's gradient; absent: not clipped"
    )

    @field_validator("betas")
    @classmethod
    def _decays(cls, betas: tuple[float, float]) -> tuple[float, float]:
        if not all(0 <= beta < 1 for beta in betas):
            raise ValueError("both must be at least 0 and less than 1")
        return betas


def _components(part: Any) -> Iterator[ComponentConfig]:
    if isinstance(part, ComponentConfig):
        yield part
    if isinstance(part, BaseModel):
        part = dict(part)
    for inner in part.values() if isinstance(part, dict) else ():
        yield from _components(inner)


_DECAY_KEYS = {
    "decay_start": ("linear", "cosine"),
    "decay_every": ("step",),
    "decay_factor": ("step", "plateau"),
    "decay_patience": ("plateau",),
}


class Train(Table):
    """How long, how big a batch, and how often to look. Cadences are in steps."""

    epochs: int = Field(200, ge=1, le=10**9, description="passes over the larger domain")
    decay: Literal["linear", "cosine", "step", "plateau", "none"] = Field(
        "linear",
        description="how the learning rate falls: along a line or a cosine to 0 at the end, in "
        "steps, when the first metric stops improving, or not at all",
    )
    decay_start: int | None = Field(
        None,
        ge=0,
        description="linear, cosine: epochs of constant rate before; absent: half of `epochs` for "
        "linear, the warm-up alone for cosine",
    )
    decay_every: int | None = Field(
        None, ge=1, description="step: epochs from one fall to the next; absent: a quarter of all"
    )
    decay_factor: float | None = Field(
        None, gt=0, lt=1, description="step, plateau: factor of each fall; absent: 0.1"
    )
    decay_patience: int | None = Field(
        None,
        ge=1,
        description="plateau: evaluations in a row without a new best before a fall; absent: 5",
    )
    warmup: int = Field(
        0, ge=0, description="steps over which the learning rate rises linearly to its value"
    )
    batch_size: int = Field(1, ge=1, description="images of each domain in a batch")
    accumulate: int = Field(
        1, ge=1, description="batches whose gradients are added up before the weights change"
    )
    precision: Literal["fp32", "tf32", "bf16"] = Field(
        "fp32",
        description="fp32: all of float32; tf32: products of a GPU's convolutions with 10 bits of "
        "mantissa; bf16: networks under bfloat16 autocast. Weights, what networks give, statistics "
        "of normalisations and the losses are float32 in all of them",
    )
    compile: Literal["auto"] | bool = Field(
        "auto",
        description="whether torch compiles the networks, which takes a minute or more at the "
        "beginning; auto: on CUDA",
    )
    channels_last: Literal["auto"] | bool = Field(
        "auto",
        description="whether networks keep the channels of a pixel together in memory, on CUDA "
        "alone; auto: where measured to be faster, so far nowhere",
    )
    recompute: bool = Field(
        False,
        description="forget what is inside the generators' blocks, and compute it again for their "
        "gradients: less memory, more time",
    )
    ema: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="decay of a running mean of the generators' weights, used for everything but "
        "training; 0: none",
    )
    log_every: int = Field(20, ge=1, description="steps between lines of numbers")
    sample_every: int = Field(500, ge=0, description="steps between sample grids; 0: at the end")
    samples: int = Field(4, ge=1, description="images of each domain in a sample grid")
    evaluate_every: int = Field(500, ge=0, description="steps between metrics; 0: at the end")
    checkpoint_every: int = Field(500, ge=0, description="steps between checkpoints; 0: at the end")
    keep_last: int = Field(3, ge=1, description="newest checkpoints kept, beside the best ones")
    keep_every: int = Field(
        0,
        ge=0,
        description="steps between checkpoints that are kept for good, a multiple of "
        "`checkpoint_every`; 0: none",
    )
    keep_best: int = Field(1, ge=1, description="best checkpoints kept, of all that were evaluated")
    best_by: str | None = Field(
        None,
        description="the key of the metric that says which checkpoint is the best; absent: the "
        "first of the spec that the data allow, save such as cycle",
    )
    stop_after: int = Field(
        0,
        ge=0,
        description="evaluations in a row without a new best after which the run ends; 0: never",
    )

    @model_validator(mode="after")
    def _decay_reads(self) -> Train:
        """A setting that the chosen decay does not read would be ignored silently."""
        unread = [
            Problem((key,), f"is for decay = {' or '.join(map(shown, readers))}: take it out")
            for key, readers in _DECAY_KEYS.items()
            if getattr(self, key) is not None and self.decay not in readers
        ]
        if unread:
            raise carried(unread)
        return self

    @model_validator(mode="after")
    def _keeps_what_there_is(self) -> Train:
        if self.keep_every and not self.checkpoint_every:
            why = "checkpoint_every = 0 saves at the end only: set that, or take this out"
            raise carried([Problem(("keep_every",), why)])
        if self.keep_every and self.keep_every % self.checkpoint_every:
            why = f"it must be a multiple of checkpoint_every, which is {self.checkpoint_every}"
            raise carried([Problem(("keep_every",), why)])
        return self


class RunSpec(Table):
    """A whole run."""

    name: str = Field("run", max_length=80, description="begins the run directory's name")
    seed: int = Field(0, ge=0, lt=2**63, description="names every random draw of the run")
    plugins: tuple[str, ...] = Field(
        (), description="one-file plugins, relative to the spec's folder"
    )
    domains: Domains = Field(default_factory=Domains, description="names of the two domains")
    method: MethodSlot = Field("cyclegan", validate_default=True, description="the maths of a step")
    data: DatasetSlot = Field(description="where the images come from")
    generator: GeneratorSlot = Field(
        "resnet", validate_default=True, description="the networks that translate"
    )
    discriminator: DiscriminatorSlot = Field(
        "patchgan", validate_default=True, description="the networks that judge"
    )
    init: Init = Field(default_factory=Init, description="the weights that networks start from")
    losses: dict[Curve, LossSlot] = Field(
        min_length=1, description="terms of the objective; the key names the curve"
    )
    metrics: dict[Curve, MetricSlot] = Field(
        {"psnr": {}, "ssim": {}, "l1": {}, "swd": {}, "cycle": {}},
        validate_default=True,
        description="what is measured on the test split, as far as the data allow; the first of "
        "these, save cycle, chooses the best checkpoint, unless `train.best_by` names one",
    )
    trackers: dict[Curve, TrackerSlot] = Field(
        {"jsonl": {}}, validate_default=True, description="where the numbers go"
    )
    optimizer: Optimizer = Field(default_factory=Optimizer, description="Adam's settings")
    train: Train = Field(default_factory=Train, description="length, batch and cadences")

    def components(self) -> Iterator[ComponentConfig]:
        """Every component that the spec names, those inside others too."""
        return _components(self)

    def measurable(self, paired: bool, *, both_ways: bool) -> dict[str, MetricConfig]:
        """The metrics that can be had.

        Args:
            paired: whether the test data is.
            both_ways: whether there are generators of both directions.
        """
        return {
            key: config
            for key, config in self.metrics.items()
            if (paired or not config.component.needs_truth)
            and (both_ways or not config.component.needs_cycle)
        }

    @field_validator("name")
    @classmethod
    def _file_name(cls, name: str) -> str:
        if not _NAME.match(name):
            raise ValueError("it becomes a folder's name: use letters, digits, '.', '_' and '-'")
        return name

    @field_validator("losses", "metrics", "trackers", mode="before")
    @classmethod
    def _type_is_key(cls, tables: Any) -> Any:
        """`[losses.cycle]` means type = "cycle" unless it says otherwise."""
        if not isinstance(tables, dict):
            return tables
        return {
            key: {"type": key, **table} if isinstance(table, dict) else table
            for key, table in tables.items()
        }
