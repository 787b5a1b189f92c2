"""New plugins: a package or a file for any kind, that works as it is written. Imports no torch."""
