"""Training: from a spec to a run directory."""
