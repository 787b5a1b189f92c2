"""Using trained networks: weights files, translating images and files, where to run."""
