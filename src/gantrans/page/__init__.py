"""What the report and the page of `gantrans serve` look like: styles, the divider, templates."""

from gantrans.page.page import asset, templates

__all__ = ["asset", "templates"]
