"""The loss `keep_contrast` for gantrans."""
