"""The compiled core. Without it nothing runs: there is no slow substitute that would take over unnoticed."""

from importlib.util import find_spec

from neurocomp.errors import CheckFailedError, Diagnostic

if any(find_spec(f"{__name__}.{part}") is None for part in ("engine", "timing")):
    raise CheckFailedError(
        Diagnostic(
            "neurocomp",
            "its compiled core is missing",
            why="the package was not installed but copied, or its C compiler failed",
            hint="install it: pip install . (in a source tree: python setup.py build_ext --inplace)",
        )
    )
