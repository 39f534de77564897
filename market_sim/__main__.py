"""`python -m market_sim` is `market-sim`."""

import sys

from market_sim.cli import main

if __name__ == "__main__":
    sys.exit(main())
