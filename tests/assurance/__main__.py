"""``python -m assurance``: see `large`."""

import sys

from assurance.large import main

if __name__ == "__main__":
    sys.exit(main())
