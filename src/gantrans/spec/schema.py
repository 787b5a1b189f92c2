"""A JSON Schema (draft 2020-12) of specs, with every component that is installed, for editors."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from gantrans.api.component import KINDS, Kind
from gantrans.errors import PluginError
from gantrans.plugin.registry import Registry
from gantrans.spec.model import RunSpec

Schema = dict[str, Any]

TITLE = "A spec of gantrans"


def schema(registry: Registry) -> Schema:
    """The schema of a spec. A component that cannot be loaded, or described, is left out.

    `$defs` has each component ("loss.cycle": its table, where `type` may be absent), and each kind
    ("loss": a component's name, or a table that says its `type`).
    """
    definitions: Schema = {}
    components: dict[Kind, list[str]] = {kind: [] for kind in KINDS}
    for kind in KINDS:
        for name in registry.names(kind):
            try:
                component = registry.component(kind, name)
            except PluginError:
                continue
            try:
                table = _of_model(component.Config, f"{kind}.{name}", definitions)
            except Exception:  # a field of anyone's that JSON has no type for
                continue
            components[kind].append(name)
            names = [*component.presets, *(int(n) for n in component.presets if n.isdigit())]
            preset = {"preset": {"enum": names}} if names else {}
            own = table.get("properties", {})
            table["properties"] = {"type": {"const": name}, **preset, **own}
            table["description"] = component.summary()
            definitions[f"{kind}.{name}"] = table
        definitions[kind] = {
            "anyOf": [
                {"enum": components[kind]},
                *(
                    {"$ref": f"#/$defs/{kind}.{name}", "required": ["type"]}
                    for name in components[kind]
                ),
            ]
        }
    spec = _of_model(RunSpec, "spec", definitions)
    for tables in spec["properties"].values():
        values = tables.get("additionalProperties")
        if isinstance(values, dict) and "$ref" in values:
            _type_defaults_to_key(tables, values["$ref"], components)
    for part in (spec, *definitions.values()):
        _type_defaults_to_the_fields(part, definitions)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": TITLE,
        **{key: value for key, value in spec.items() if key != "title"},
        "$defs": definitions,
    }


def _of_model(model: type[BaseModel], name: str, definitions: Schema) -> Schema:
    """The schema of one model; the models inside it are added to `definitions` below its name."""
    own = model.model_json_schema(ref_template=f"#/$defs/{name}.{{model}}")
    for inner, table in own.pop("$defs", {}).items():
        definitions[f"{name}.{inner}"] = _with_slots(table)
    found: Schema = _with_slots(own)
    return found


def _with_slots(part: Any) -> Any:
    """The same, where the marker that a slot leaves has become a reference to its kind."""
    if isinstance(part, list):
        return [_with_slots(item) for item in part]
    if not isinstance(part, dict):
        return part
    slot = {"$ref": f"#/$defs/{part['x-gantrans-kind']}"} if "x-gantrans-kind" in part else {}
    return {k: _with_slots(v) for k, v in part.items() if k != "x-gantrans-kind"} | slot


def _type_defaults_to_the_fields(part: Any, definitions: Schema) -> None:
    """In `[generator]` the type is that of the default, unless the table has another."""
    if isinstance(part, dict):
        named = f"{part.get('$ref', '')}.{part.get('default', '')}"
        if named.removeprefix("#/$defs/") in definitions:
            part["anyOf"] = [{"$ref": part.pop("$ref")}, {"$ref": named}]
    for inner in part.values() if isinstance(part, dict) else part:
        if isinstance(inner, dict | list):
            _type_defaults_to_the_fields(inner, definitions)


def _type_defaults_to_key(tables: Schema, kind_ref: str, components: dict[Kind, list[str]]) -> None:
    """In `[losses.cycle]` the key is the type, unless the table has another."""
    kind = next(kind for kind in KINDS if kind_ref == f"#/$defs/{kind}")
    tables["properties"] = {
        name: {"anyOf": [{"$ref": f"{kind_ref}.{name}"}, {"$ref": kind_ref}]}
        for name in components[kind]
    }
