"""What everything of a new plugin is called; all of it follows from its kind and name."""

from __future__ import annotations

import keyword
import re
from dataclasses import dataclass
from importlib.util import find_spec

from gantrans.api.component import KINDS, Kind
from gantrans.api.problem import nearest
from gantrans.errors import UsageError
from gantrans.plugin.manager import normal
from gantrans.plugin.registry import Registry

_LONGEST = 40  # longer ones would not fit into a line of code


@dataclass(frozen=True)
class Naming:
    """The names of one plugin.

    Args:
        kind: one of the eight.
        name: the component's: lower_case letters, digits and _.
    """

    kind: Kind
    name: str

    @property
    def distribution(self) -> str:
        """What pip calls the package, and its folder: "gantrans-keep-mean"."""
        return f"gantrans-{self.name.replace('_', '-')}"

    @property
    def package(self) -> str:
        """What Python imports: "gantrans_keep_mean"."""
        return f"gantrans_{self.name}"

    @property
    def class_name(self) -> str:
        """The component's class: "KeepMeanLoss". It ends with the kind, so it hides no import."""
        words = self.name.split("_")
        ending = [] if words[-1] == self.kind else [self.kind]
        return "".join(word.capitalize() for word in [*words, *ending])


def naming(kind: str, name: str) -> Naming:
    """The names of a new plugin. Hyphens in `name` become underscores.

    Raises UsageError for a kind that is none of the eight, and for a name that no component, or no
    module of Python, can have.
    """
    if kind not in KINDS:
        raise UsageError(
            f"there is no kind {kind!r}{nearest(kind, KINDS)} (there are: {', '.join(KINDS)})"
        )
    known: Kind = kind
    plain = name.replace("-", "_")
    if not re.fullmatch(r"[a-z](_?[a-z0-9])*", plain):
        suggestion = re.sub(r"[^a-z0-9]+", "_", plain.lower()).strip("_0123456789")
        hint = f", as in {suggestion!r}" if suggestion else ""
        raise UsageError(
            f"a component cannot be called {name!r}: use lower_case letters, digits and single _, "
            f"and begin with a letter{hint}"
        )
    if len(plain) > _LONGEST:
        raise UsageError(
            f"the name has {len(plain)} letters, and {_LONGEST} at most are allowed: files and "
            "curves are called by it, choose a shorter one"
        )
    if keyword.iskeyword(plain) or plain == "hooks":
        whose = "of Python's own" if keyword.iskeyword(plain) else "of every plugin's hook module"
        raise UsageError(f"{plain!r} is the name {whose}: choose another name")
    return Naming(known, plain)


def refuse_claimed(new: Naming, registry: Registry) -> None:
    """Raises UsageError if the component's name, or the package's, is another's already."""
    own = [e.ref for e in registry if normal(e.origin.name) == normal(new.distribution)]
    if own and (new.kind, new.name) not in {(ref.kind, ref.name) for ref in own}:
        raise UsageError(
            f"a package {new.distribution} is installed already, with other components, and the "
            "new one would replace it: choose another name"
        )
    for entry in registry:
        same = (entry.ref.kind, entry.ref.name) == (new.kind, new.name)
        if same and entry.origin.name != new.distribution:
            raise UsageError(
                f"the {new.kind} {new.name!r} exists already, in {entry.origin}: "
                "choose another name"
            )


def refuse_hiding_a_module(new: Naming) -> None:
    """Raises UsageError if a file of this name could be imported in place of a real module."""
    if find_spec(new.name) is not None:
        raise UsageError(
            f"{new.name}.py would stand in the way of the module {new.name!r}: choose another name"
        )
