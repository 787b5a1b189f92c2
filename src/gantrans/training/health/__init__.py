"""Is it working? Detectors over what training computes anyway, and their verdicts.

observation.py  what is looked at in a step: images, gradients, the way back under noise
quantities.py   the numbers that are made of it
faults.py       THE table: which number, beyond which threshold, for how long, means what
verdicts.py     when a fault begins and ends
health.py       a run's: observes, judges, writes health.jsonl
"""
