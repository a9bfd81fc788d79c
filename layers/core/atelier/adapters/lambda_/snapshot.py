"""What Lambda's runtime does around snapshots (SnapStart).

https://docs.aws.amazon.com/lambda/latest/dg/snapstart-runtime-hooks-python.html
"""

import random


def draw_anew_after_restore() -> None:
    """Give Python's shared generator a new seed in each sandbox: botocore draws its pauses between retries from it."""
    from snapshot_restore_py import register_after_restore  # type: ignore[import-not-found] # the runtime has it

    register_after_restore(random.seed)
