"""What a benchmark ran on, and its clock: those of `gantrans bench`."""

from gantrans.training.machine import machine as machine
from gantrans.training.machine import now as now
