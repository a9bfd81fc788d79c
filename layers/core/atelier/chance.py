"""Chance for jitter, from the operating system.

The state of Python's own generator is part of a SnapStart snapshot: all that start from it would draw the same numbers,
and come back at the same moment.
"""

from random import SystemRandom

chance = SystemRandom()
