"""Is it working? Detectors over what training computes anyway, and their verdicts.

observation.py  what is looked at in a step: images and gradients
probe.py        what takes passes of its own, and is looked at seldom
terms.py        what the losses' terms tell
memory.py       what earlier looks left behind
quantities.py   the formulas
faults.py       THE table: which number, beyond which threshold, for how long, means what
verdicts.py     when a fault begins and ends
health.py       a run's: observes, judges, writes health.jsonl
"""
