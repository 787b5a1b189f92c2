"""What a gantrans run reports, in TensorBoard."""
