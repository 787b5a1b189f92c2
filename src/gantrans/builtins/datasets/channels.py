"""The setting `channels` of data sets whose images are ordinary files: colour or gray."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from gantrans.api.step import Domain
from gantrans.api.table import Table


class Channels(Table):
    """Channels of each domain's images."""

    a: Literal[1, 3] = Field(3, description="of the first domain: 3 (colour) or 1 (gray)")
    b: Literal[1, 3] = Field(3, description="of the second domain: 3 (colour) or 1 (gray)")

    def of(self, domain: Domain) -> int:
        """Channels of one domain."""
        return self.a if domain == "a" else self.b


def _for_both(value: Any) -> Any:
    """`channels = 1` means both domains."""
    if isinstance(value, Channels | dict):
        return value
    if isinstance(value, bool) or value not in (1, 3):
        raise ValueError("give 3 (colour), 1 (gray), or a table such as { a = 3, b = 1 }")
    return {"a": value, "b": value}


ChannelsSetting = Annotated[
    Channels, BeforeValidator(_for_both, json_schema_input_type=Literal[1, 3] | Channels)
]
"""The type of the setting: a table, or one number for both domains."""

CHANNELS = "3 (colour) or 1 (gray), or { a = 3, b = 1 } for each domain apart; images are converted"
"""The description of the setting."""
