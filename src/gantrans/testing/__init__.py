"""The kit that plugins are trusted by: what a component of each kind has to hold, as checks.

`gantrans check-plugin` runs it on the command line, `gantrans.testing.pytest_plugin` in a plugin's
own tests. One file a kind, and `every.py` for what holds for all. This file imports nothing, so
that pytest can load the plugin at no cost.
"""
