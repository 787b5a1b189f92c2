"""Translating files: which, how they are read, and how they are written."""
