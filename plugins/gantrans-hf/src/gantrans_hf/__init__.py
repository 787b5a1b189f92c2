"""A gantrans plugin: images from Hugging Face datasets."""
