"""``python -m neurocomp`` is the command ``neurocomp``."""

from neurocomp.cli import main

if __name__ == "__main__":
    main()
