"""What every component is: one class, with its config nested inside. Imports no torch."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, get_args

from pydantic import SerializerFunctionWrapHandler, model_serializer, model_validator

from gantrans.api.table import Table

Kind = Literal[
    "generator",
    "discriminator",
    "normalizer",
    "loss",
    "dataset",
    "method",
    "metric",
    "tracker",
]
KINDS: tuple[Kind, ...] = get_args(Kind)


def plural(kind: Kind) -> str:
    """The name of a kind, for several: "losses"."""
    return f"{kind}{'es' if kind.endswith('s') else 's'}"


_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")


class ComponentConfig(Table):
    """The settings of one component: a frozen pydantic model that forbids unknown keys.

    Settings are what a user writes in the spec. What is known only at run time (channels, paths,
    devices) is passed to `build`, never stored here. Every field has a description, with its unit.
    """

    component: ClassVar[type[Any]]
    """The component class that this config belongs to; set when that class is defined."""

    def build(self, **runtime: Any) -> Any:
        """Make the component that this config belongs to, `Component(config, **runtime)`."""
        return self.component(self, **runtime)

    @model_validator(mode="before")
    @classmethod
    def _expand_preset(cls, table: Any) -> Any:
        """`preset = "6"`, or 6, stands for those settings; what is written beside it wins."""
        if not isinstance(table, Mapping) or "preset" not in table:
            return table
        known = cls.component.presets if hasattr(cls, "component") else {}
        name = str(table["preset"])
        if name not in known:
            return table  # then `preset` is refused, see api/problem.py, beside other mistakes
        own = {key: value for key, value in table.items() if key != "preset"}
        return {**known[name], **own}

    @model_serializer(mode="wrap")
    def _with_type(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Dump as the spec's table: `type` first, so that a dump validates to an equal config."""
        return {"type": self.component.name, **handler(self)}


class Component:
    """Base of the eight kinds; a subclass of a kind with a `name` is a component.

    The nested `Config` and its component belong together: the pairing is made when the class is
    defined, and a wrong one raises TypeError there.
    """

    kind: ClassVar[Kind]
    name: ClassVar[str] = ""
    """What a spec calls it: lower case, digits and `_`, unique within its kind."""

    Config: ClassVar[type[ComponentConfig]] = ComponentConfig

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    """Settings with a name: `{"6": {"blocks": 6}}` lets a spec say `preset = "6"`."""

    def __init__(self, config: Any) -> None:
        self.config = config

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if not cls.__dict__.get("name"):
            return  # the base class of a kind
        if getattr(cls, "kind", None) not in KINDS:
            raise TypeError(f"{cls.__name__} is of no kind: derive it from Loss, Generator, ...")
        if not _NAME.match(cls.name):
            raise TypeError(f"{cls.__name__}.name = {cls.name!r}: use lower_case letters, 0-9, _")
        base = next(b.Config for b in cls.__mro__[1:] if issubclass(b, Component))
        if "Config" not in cls.__dict__:
            module = {"__module__": cls.__module__, "__qualname__": f"{cls.__qualname__}.Config"}
            cls.Config = type("Config", (base,), module)
        if not (isinstance(cls.Config, type) and issubclass(cls.Config, base)):
            raise TypeError(
                f"{cls.__name__}.Config must be a class derived from {base.__qualname__}"
            )
        if cls.Config is base or "component" in vars(cls.Config):
            raise TypeError(
                f"{cls.__name__}.Config is {cls.Config.__qualname__} itself: "
                f"derive a class of its own from it"
            )
        for reserved in {"type", "preset"} & cls.Config.model_fields.keys():
            raise TypeError(f"{cls.__name__}.Config: {reserved!r} is reserved, choose another name")
        cls.Config.component = cls

    @classmethod
    def summary(cls) -> str:
        """The first line of the docstring."""
        return (cls.__doc__ or "").strip().partition("\n")[0]


@dataclass(frozen=True, slots=True)
class ComponentRef:
    """Where to find a component, without importing it; what a plugin's hook returns.

    Args:
        kind: one of the eight kinds.
        name: what a spec calls it; unique within its kind.
        target: `"package.module:Class"`, imported when first built or described.
        summary: one line for `gantrans list-components`.
    """

    kind: Kind
    name: str
    target: str
    summary: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind {self.kind!r} is none of {', '.join(KINDS)}")
        if not _NAME.match(self.name):
            raise ValueError(f"component name {self.name!r}: use lower_case letters, 0-9, _")
        if self.target.count(":") != 1:
            raise ValueError(f"target {self.target!r} is not of the form 'package.module:Class'")
