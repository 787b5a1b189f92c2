"""What goes wrong in a plugin's code, as one message that names the component and the line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from gantrans.errors import GantransError, PluginError
from gantrans.inference.device import is_out_of_memory
from gantrans.plugin.place import code_of, place
from gantrans.spec.load import LoadedSpec


@contextmanager
def blaming(loaded: LoadedSpec) -> Iterator[None]:
    """Run what calls the components of a spec.

    Raises:
        PluginError: for an exception that came out of the code of a plugin that the spec uses.
            Others pass as they are: if there is a mistake of ours, its traceback is wanted.
    """
    try:
        yield
    except GantransError:
        raise
    except Exception as error:
        if not is_out_of_memory(error):
            for config in loaded.run.components():
                component = config.component
                entry = loaded.registry.entry(component.kind, component.name)
                at = "" if entry.origin.is_gantrans else place(error, code_of(entry))
                if at:
                    raise PluginError(
                        f"the {component.kind} {component.name!r} of {entry.origin.name} raises "
                        f"{type(error).__name__}: {error}{at}"
                    ) from error
        raise
