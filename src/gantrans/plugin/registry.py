"""Registry: every known component by kind and name. Made by a function and passed on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from gantrans.api.component import KINDS, Component, ComponentConfig, ComponentRef, Kind
from gantrans.api.problem import nearest, problems
from gantrans.errors import PluginError
from gantrans.plugin.isolation import isolated

SLOW = 1.0
"""Seconds from which on loading a plugin, which every command does, is worth a word."""


@dataclass(frozen=True)
class Origin:
    """Who brought a component: a distribution and its version, or a one-file plugin."""

    name: str
    version: str = ""
    file: Path | None = None
    sha256: str = ""

    @property
    def is_gantrans(self) -> bool:
        """Whether this is gantrans itself, with the built-in components."""
        return self.name == "gantrans" and self.file is None

    def __str__(self) -> str:
        return str(self.file) if self.file else f"{self.name} {self.version}".strip()


@dataclass(frozen=True)
class Entry:
    """A registered component; its code is loaded when first asked for."""

    ref: ComponentRef
    origin: Origin
    load: Callable[[], type[Component]]


@dataclass(frozen=True)
class Plugin:
    """A plugin that was found, taken in or not.

    Args:
        origin: who it is.
        reason: why it is broken; empty if it is not.
        seconds: how long its code took, which every command waits for.
        imports_torch: whether its hook module imported torch, which alone takes seconds.
    """

    origin: Origin
    reason: str = ""
    seconds: float = 0.0
    imports_torch: bool = False

    @property
    def is_slow(self) -> bool:
        """Whether every command waits for it. A file is loaded only where it is asked for."""
        return self.origin.file is None and (self.seconds >= SLOW or self.imports_torch)


@dataclass
class Registry:
    """Looks components up, suggests the nearest name, and refuses two of one name."""

    plugins: list[Plugin] = field(default_factory=list)
    _entries: dict[tuple[Kind, str], list[Entry]] = field(default_factory=dict)

    @property
    def broken(self) -> list[Plugin]:
        """The plugins that could not be taken in."""
        return [plugin for plugin in self.plugins if plugin.reason]

    def add(self, entry: Entry) -> None:
        """Register a component. See `entry` for two of one kind and name."""
        self._entries.setdefault((entry.ref.kind, entry.ref.name), []).append(entry)

    def __iter__(self) -> Iterator[Entry]:
        """Every entry, by kind in the order of KINDS, then by name."""
        for kind, name in sorted(self._entries, key=lambda key: (KINDS.index(key[0]), key[1])):
            yield from self._entries[kind, name]

    def names(self, kind: Kind) -> list[str]:
        """The names of one kind, sorted."""
        return sorted(name for k, name in self._entries if k == kind)

    def entry(self, kind: Kind, name: str) -> Entry:
        """The entry of a component; raises PluginError if it is unknown or claimed twice.

        An installed package cannot take a built-in component's name, nor make it unusable: specs
        that never heard of the package go on to mean the built-in one.
        """
        found = self._entries.get((kind, name), [])
        if not found:
            raise PluginError(self._unknown(kind, name))
        usable = [entry for entry in found if self.conflict(entry) is None]
        if not usable:
            claims = " and ".join(str(entry.origin) for entry in found)
            way_out = "uninstall one of them, or name the plugins to load in GANTRANS_PLUGINS"
            if any(entry.origin.file for entry in found):
                way_out = "rename one, or leave out a plugin"
            raise PluginError(f"the {kind} {name!r} is claimed by {claims}: {way_out}")
        return usable[0]

    def conflict(self, entry: Entry) -> str | None:
        """Why another claim to its name makes `entry` unusable; None if nothing does."""
        claims = self._entries[entry.ref.kind, entry.ref.name]
        rivals = [other.origin for other in claims if other is not entry]
        if not rivals:
            return None
        asked_for = any(claim.origin.file for claim in claims)  # a file is loaded on demand only
        if not asked_for and any(claim.origin.is_gantrans for claim in claims):
            own = f"the name is that of a built-in {entry.ref.kind}"
            return None if entry.origin.is_gantrans else own
        return f"also claimed by {', '.join(map(str, rivals))}"

    def component(self, kind: Kind, name: str) -> type[Component]:
        """The class of a component, importing it; raises PluginError if that fails."""
        return self.load(self.entry(kind, name))

    def load(self, entry: Entry) -> type[Component]:
        """The class of one entry, whoever else claims its name."""
        kind, name = entry.ref.kind, entry.ref.name
        loaded: Any = None
        with isolated(entry.origin) as outcome:
            loaded = entry.load()
        if outcome.error:
            raise PluginError(
                f"the {kind} {name!r} of {entry.origin} cannot be loaded: {outcome.reason()}"
            ) from outcome.error
        fits = isinstance(loaded, type) and issubclass(loaded, Component)
        if not fits or (loaded.kind, loaded.name) != (kind, name):
            raise PluginError(
                f"{entry.origin} registers {entry.ref.target} as the {kind} {name!r}, "
                f"but that is {f'the {loaded.kind} {loaded.name!r}' if fits else repr(loaded)}"
            )
        found: type[Component] = loaded
        return found

    def config_class(self, kind: Kind, name: str) -> type[ComponentConfig]:
        """The config class of a component."""
        return self.component(kind, name).Config

    def config(self, kind: Kind, name: str, values: Mapping[str, Any] | None = None) -> Any:
        """A validated config: `registry.config("generator", "resnet", {"width": 16})`.

        Raises PluginError for an unknown component or wrong values.
        """
        config_class = self.config_class(kind, name)
        table = {key: value for key, value in (values or {}).items() if key != "type"}
        try:
            return config_class.model_validate(table, context={"components": self})
        except ValidationError as error:
            found = problems(error, config_class)
            lines = [
                ": ".join(filter(None, (".".join(map(str, p.path)), p.message))) for p in found
            ]
            raise PluginError(f"the {kind} {name!r}: " + "; ".join(lines)) from None

    def file_plugins(self) -> list[Origin]:
        """The one-file plugins that were taken in."""
        found = {entry.origin for entry in self if entry.origin.file}
        return sorted(found, key=lambda origin: str(origin.file))

    def _unknown(self, kind: Kind, name: str) -> str:
        known = self.names(kind)
        hint = nearest(name, known) or (
            "; if a plugin brings it, install that plugin or name its file in `plugins`"
        )
        # What is wrong with a one-file plugin is reported where the file is named.
        broken = "".join(
            f"; {b.origin} is broken: {b.reason}" for b in self.broken if not b.origin.file
        )
        return f"no {kind} is called {name!r}{hint} (there are: {', '.join(known)}){broken}"
