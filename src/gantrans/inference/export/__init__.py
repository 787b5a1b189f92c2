"""Taking generators out: files that other programs run, with no gantrans there."""
