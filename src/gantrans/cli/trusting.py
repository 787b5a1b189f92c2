"""Asking whether code that a run brings may be executed."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import typer

from gantrans.cli.say import say


def ask(copies: Mapping[Path, str]) -> bool:
    """Ask on a terminal whether to execute one-file plugins; without one the answer is no.

    Args:
        copies: the files, with their SHA-256.
    """
    if not all(stream and stream.isatty() for stream in (sys.stdin, sys.stdout)):
        return False
    say("this run brings code that you have not executed on this machine before:")
    for file, digest in copies.items():
        say(f"  {file} (SHA-256 {digest})")
    return typer.confirm("Do you trust it, and execute it?")
