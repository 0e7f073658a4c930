"""``python -m neurocomp`` is the command ``neurocomp``."""

from __future__ import annotations

import sys


def main() -> None:
    """The command; an interrupt while it is still being loaded ends it without a traceback."""
    try:
        from neurocomp.cli import main as command
    except KeyboardInterrupt:
        sys.exit(130)
    command()


if __name__ == "__main__":
    main()
