"""Atelier: a self-hosted image-generation API. The functions in functions/ stand on this package."""

import gc

# A cold start makes some hundred thousand objects, and none of them is garbage. Looking for it at every 700 new ones,
# Python's default, costs a fifth of the whole start (docs/decisions.md); a sandbox handles one request at a time, and
# can do with looking seldom.
gc.set_threshold(200_000, 20, 20)  # generate's start makes 114,000
