"""A gantrans plugin: images of any depth and any number of channels, from TIFF and NumPy files."""
