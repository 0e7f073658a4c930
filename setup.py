"""Builds the C core and its Cython face. All metadata is in pyproject.toml.

NEUROCOMP_DEBUG=1 builds with bounds checks and C assertions.
"""

import os
import sys
from glob import glob

from Cython.Build import cythonize
from setuptools import Extension, setup

DEBUG = os.environ.get("NEUROCOMP_DEBUG", "0") not in ("", "0")
WINDOWS = sys.platform == "win32"

# -ffp-contract=off: a fused multiply-add would round differently from machine to machine
RELEASE_FLAGS = ["/O2", "/std:c11"] if WINDOWS else ["-O3", "-std=c11", "-ffp-contract=off", "-fno-math-errno"]
DEBUG_FLAGS = ["/Od", "/Zi", "/std:c11"] if WINDOWS else ["-O1", "-g", "-std=c11", "-ffp-contract=off"]

CORE = {
    "engine": ["network.c", "neuron.c", "spikes.c", "nc_status.c"],
    "timing": ["inference.c", "nc_status.c"],
}

extensions = [
    Extension(
        f"neurocomp._core.{name}",
        [f"neurocomp/_core/{name}.pyx", *(f"csrc/{source}" for source in sources)],
        include_dirs=["csrc"],
        depends=[*glob("csrc/*.h")],
        define_macros=[("NC_DEBUG", "1")] if DEBUG else [],
        extra_compile_args=DEBUG_FLAGS if DEBUG else RELEASE_FLAGS,
    )
    for name, sources in CORE.items()
]

directives = {"language_level": "3", "boundscheck": DEBUG, "wraparound": DEBUG, "embedsignature": True}
setup(ext_modules=cythonize(extensions, compiler_directives=directives, force=DEBUG))
