"""What `gantrans bench` measures of a spec on this machine, and what it advises."""
