"""Looking at a data set before training: what is broken, double, too small, or out of place."""
