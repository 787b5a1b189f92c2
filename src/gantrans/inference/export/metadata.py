"""What an exported file says about itself: text by name, the same in every format.

- `gantrans`: the header of the weights file, as JSON (see inference/header.py);
- `interface`: a JSON object for programs: what goes in and what comes out;
- `description`: the same in words.
"""

from __future__ import annotations

import json
from typing import Any

from gantrans.inference.header import WeightsHeader

INPUT, OUTPUT = "images", "translations"
"""What the input and the output are called."""

ORDERS = {1: "gray", 3: "RGB"}
"""The order of channels, by their number."""


def metadata(header: WeightsHeader) -> dict[str, str]:
    """The texts for the generator of a weights file that has this header."""
    return {
        "gantrans": header.to_json(),
        "interface": json.dumps(_interface(header), ensure_ascii=False),
        "description": _description(header),
    }


def _interface(header: WeightsHeader) -> dict[str, Any]:
    given = _end(INPUT, header.source, header.in_channels, header)
    made = _end(OUTPUT, header.target, header.out_channels or 0, header)
    if header.dataset is None:
        given["from_8_bit"] = "x / 127.5 - 1"
        made["to_8_bit"] = "round((clip(y, -1, 1) + 1) * 127.5)"
    return {
        "input": given,
        "output": made,
        "multiple_of": 1,  # of height and width: the file pads and crops by itself
        "min_size": 1,
        "training_preprocessing": header.preprocessing,
    }


def _end(name: str, domain: str | None, channels: int, header: WeightsHeader) -> dict[str, Any]:
    return {
        "name": name,
        "domain": header.name_of(domain),
        "dtype": "float32",
        "layout": "NCHW",
        "channels": channels,
        "channel_order": _order(channels, header),
        "range": list(header.value_range),
    }


def _order(channels: int, header: WeightsHeader) -> str:
    """Of ordinary images it is known; others are as their data set reads them."""
    if header.dataset is None and channels in ORDERS:
        return ORDERS[channels]
    return "as in the files of training"


def _description(header: WeightsHeader) -> str:
    source, target = header.name_of(header.source), header.name_of(header.target)
    ends = [(INPUT, "input", header.in_channels), (OUTPUT, "output", header.out_channels or 0)]
    lines = [
        f"Translates {source} to {target}. The generator {header.component['type']} of the run "
        f"{header.run} after {header.step} steps, exported by gantrans.",
        *(
            f"The {what} {name!r}: float32 (N, {channels}, H, W), channels "
            f"{_order(channels, header)}, values in [-1, 1]."
            for name, what, channels in ends
        ),
        "N, H and W are any from 1 on, and those of the output are those of the input.",
    ]
    if header.dataset is None:
        lines.append(
            "From 8 bits: x / 127.5 - 1. To 8 bits: (y + 1) * 127.5, rounded, clipped to 0..255."
        )
    else:
        component = header.dataset.component["type"]
        lines.append(
            f"Files become values as the data set {component} of {header.dataset.plugin_in_words} "
            "reads and writes them."
        )
    lines.append(
        "Training saw images after this preprocessing, and others are translated best at that "
        f"scale: {json.dumps(header.preprocessing)}"
    )
    return "\n".join(lines)
