"""What a gantrans run reports, in Weights & Biases."""
