"""The spec: what a run is, in one declarative TOML file."""
