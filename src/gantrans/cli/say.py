"""Printing: the one way in which commands write lines for people."""

from __future__ import annotations

import typer

from gantrans.io.text import printable


def say(text: object = "", *, err: bool = False) -> None:
    """Print a line; names in it may come from files, so nothing in it steers the terminal."""
    typer.echo(printable(str(text)), err=err)
