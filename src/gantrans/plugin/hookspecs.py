"""The one hook of gantrans. A plugin's entry point (group `gantrans`) names a module with it."""

from __future__ import annotations

from collections.abc import Iterable

import pluggy

from gantrans.api.component import ComponentRef

hookspec = pluggy.HookspecMarker("gantrans")
hookimpl = pluggy.HookimplMarker("gantrans")


@hookspec
def gantrans_components() -> Iterable[ComponentRef]:
    """The components of a plugin.

    The module that implements it should import no torch: a `ComponentRef` names where the class is,
    and that module is imported when the component is first built or described.
    """
    raise NotImplementedError  # pluggy takes the signature, and never calls it
