"""`python -m tools NAME`: run one of the tools; Ctrl-C ends it in one line, also while what it imports loads."""

import sys
from importlib import import_module

if __name__ == "__main__":
    try:
        sys.exit(import_module(f"tools.{sys.argv[1]}").main())
    except KeyboardInterrupt:
        print("\nInterrupted.")
        sys.exit(130)
