"""Subject: the component that is checked, with its settings, and what its checks share."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any, TypeVar
from weakref import finalize

from pydantic import ValidationError

from gantrans.api.component import Kind
from gantrans.api.problem import problems
from gantrans.errors import GantransError, PluginError
from gantrans.plugin.registry import Entry, Registry
from gantrans.testing.check import CheckFailed, Skipped, Unusable, WrongSettings, blamed, place

T = TypeVar("T")


class Subject:
    """A component under test. What is dear (its networks) is built once for all its checks.

    Args:
        registry: what is installed, the component included.
        entry: the component.
        settings: its table of the spec; what it leaves out has its default.
        base_dir: the folder that relative paths in `settings` are relative to.
    """

    def __init__(
        self,
        registry: Registry,
        entry: Entry,
        settings: Mapping[str, Any] | None = None,
        base_dir: Path | None = None,
    ) -> None:
        self.registry, self.entry = registry, entry
        self.settings = dict(settings or {})
        self.base_dir = (base_dir or Path.cwd()).absolute()
        self._kept: dict[str, Any] = {}
        self._was_built = False
        self._unusable: Unusable | None = None

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"

    @property
    def kind(self) -> Kind:
        """Its kind."""
        return self.entry.ref.kind

    @property
    def name(self) -> str:
        """What a spec calls it."""
        return self.entry.ref.name

    @property
    def code(self) -> Path | None:
        """The file of a one-file plugin, or the folder of its package: whose lines are its own."""
        if self.entry.origin.file:
            return self.entry.origin.file
        name = self.entry.ref.target.partition(":")[0]
        top = sys.modules.get(name.partition(".")[0])
        if not (top and top.__file__):
            return None
        file = Path(top.__file__)
        return file.parent if file.name == "__init__.py" else file

    @cached_property
    def component(self) -> Any:
        """The class. Raises Unusable if it cannot be loaded."""
        try:
            return self.registry.load(self.entry)
        except PluginError as error:
            at = place(error.__cause__, self.code)
            raise Unusable("loads", f"{error}{at}") from error

    @cached_property
    def config(self) -> Any:
        """The config from the settings. Raises Unusable if its defaults alone do not make one.

        Raises WrongSettings if those that were given are wrong.
        """
        config_class = self.component.Config
        try:
            return self.validated(self.settings)
        except ValidationError as error:
            said = "; ".join(
                f"{'.'.join(map(str, p.path)) or self.name}: {p.message}"
                for p in problems(error, config_class)
            )
            if self.settings:
                raise WrongSettings(f"the settings of {self}: {said}") from None
            missing = ["".join(map(str, d["loc"][:1])) for d in error.errors()]
            keys = " ".join(f"--set {key or 'KEY'}=VALUE" for key in dict.fromkeys(missing))
            raise Unusable(
                "builds",
                f"with its defaults alone: {said}; give the settings that it cannot do without, "
                f"{keys} (in a test: settings={{{str(self)!r}: {{...}}}}), or change its defaults",
            ) from None
        except Exception as error:  # a validator of the plugin
            message = f"validating its settings raises {blamed(error, self.code)}; mend its Config"
            raise Unusable("builds", message) from error

    def validated(self, settings: Mapping[str, Any]) -> Any:
        """The config of other settings, read as a spec in `base_dir` would be.

        Raises pydantic's ValidationError if they are wrong.
        """
        return self.component.Config.model_validate(
            settings, context={"components": self.registry, "base_dir": self.base_dir}
        )

    def build(self, **runtime: Any) -> Any:
        """Make the component. Raises Unusable if that fails."""
        config = self.config
        given = ", ".join(f"{key}={value}" for key, value in runtime.items())
        return self.building(f"it with {given or 'its config'}", lambda: config.build(**runtime))

    def building(self, what: str, make: Callable[[], T]) -> T:
        """What `make` gives. Raises Unusable if that fails, and again if the first one did."""
        if self._unusable:
            raise self._unusable
        try:
            made = make()
        except (Exception, SystemExit) as error:
            advice = (
                "give settings with which it can be built (--set KEY=VALUE)"
                if isinstance(error, GantransError)
                else "mend its __init__"
            )
            failure = Unusable(
                "builds", f"building {what} raises {blamed(error, self.code)}; {advice}"
            )
            if not self._was_built:
                self._unusable = failure
            raise failure from error
        self._was_built = True
        return made

    def may_refuse(self, make: Callable[[], T], what: str) -> T:
        """What `make` gives. A component may refuse what it is not for, with a clear message.

        Raises Skipped if it does, CheckFailed if it fails in another way.
        """
        try:
            return make()
        except (CheckFailed, Skipped):
            raise
        except GantransError as error:
            raise Skipped(f"it refuses {what}: {error}") from None
        except Exception as error:
            raise CheckFailed(
                f"with {what} it raises {blamed(error, self.code)}; make it work, or refuse "
                "with a GantransError that says what it needs"
            ) from error

    def once(self, what: str, make: Callable[[], T]) -> T:
        """What `make` gives, made the first time only."""
        if what not in self._kept:
            self._kept[what] = make()
        kept: T = self._kept[what]
        return kept

    def smallest_side(self, attempt: Callable[[int], None]) -> int:
        """The first of 32, 64 and 128 pixels with which `attempt` does not raise, or 32.

        For components that cannot say which images are too small for them.
        """

        def find() -> int:
            for side in (32, 64, 128):
                try:
                    attempt(side)
                    return side
                except Exception:
                    continue
            return 32  # the size is not what is wrong

        return self.once("smallest side", find)

    @cached_property
    def _folder(self) -> Path:
        path = Path(mkdtemp(prefix="gantrans-check-"))
        finalize(self, rmtree, path, ignore_errors=True)
        return path

    def folder(self, name: str) -> Path:
        """A new folder that goes with the subject."""
        path = self._folder / name
        path.mkdir(parents=True, exist_ok=True)
        return path
