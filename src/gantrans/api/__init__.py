"""The interfaces, and all that a component may import: one module a kind, and what they share.

The same names stand at the top of the package (`gantrans.Loss`). This file imports nothing, so that
a plugin's hook can use the torch-free modules without torch.
"""
