"""Builds the C core and its Cython face, and puts the chip profiles into wheels. All metadata is in pyproject.toml.

NEUROCOMP_DEBUG=1 builds with bounds checks and C assertions.
"""

import os
import sys
from glob import glob
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_py import build_py

DEBUG = os.environ.get("NEUROCOMP_DEBUG", "0") not in ("", "0")
WINDOWS = sys.platform == "win32"

# -ffp-contract=off: a fused multiply-add would round differently from machine to machine
RELEASE_FLAGS = ["/O2", "/std:c11"] if WINDOWS else ["-O3", "-std=c11", "-ffp-contract=off", "-fno-math-errno"]
DEBUG_FLAGS = ["/Od", "/Zi", "/std:c11"] if WINDOWS else ["-O1", "-g", "-std=c11", "-ffp-contract=off"]

CORE = {
    "array": ["array.c", "skipping.c", "nc_status.c"],
    "dram": ["dram.c", "dram_check.c", "dram_queue.c", "dram_state.c", "nc_status.c"],
    "engine": [
        "network.c",
        "network_check.c",
        "neuron.c",
        "product.c",
        "spikes.c",
        "spikes_check.c",
        "nc_status.c",
    ],
    "links": ["links.c", "rows.c", "nc_status.c"],
    "noc": ["noc.c", "noc_check.c", "noc_event.c", "nc_status.c"],
    "placing": [
        "partition_gain.c",
        "partition_state.c",
        "place_check.c",
        "place_joint.c",
        "place_pairs.c",
        "place_spectral.c",
        "place_trees.c",
        "nc_status.c",
    ],
    "partition": [
        "partition_check.c",
        "partition_cluster.c",
        "partition_contract.c",
        "partition_fill.c",
        "partition_gain.c",
        "partition_graph.c",
        "partition_lay.c",
        "partition_refine.c",
        "partition_repair.c",
        "partition_settle.c",
        "partition_state.c",
        "nc_status.c",
    ],
    "rows": ["rows.c", "nc_status.c"],
    "timing": ["inference.c", "inference_check.c", "noc.c", "noc_check.c", "noc_event.c", "nc_status.c"],
}


MODE = "debug" if DEBUG else "release"
STAMP = Path("build", "mode")  # a change of mode rebuilds everything
if not STAMP.exists() or STAMP.read_text() != MODE:
    STAMP.parent.mkdir(exist_ok=True)
    STAMP.write_text(MODE)


class BuildWithChips(build_py):
    """Copies the data below chips/ to neurocomp/chips; an editable installation reads it where it lies."""

    def _profiles(self):
        files = sorted(path for path in Path("chips").rglob("*") if path.suffix in (".yaml", ".csv"))
        return [(str(source), str(Path(self.build_lib, "neurocomp", source))) for source in files]

    def run(self):
        super().run()
        if not self.editable_mode:
            for source, copy in self._profiles():
                self.mkpath(os.path.dirname(copy))
                self.copy_file(source, copy)

    def get_outputs(self, include_bytecode=1):
        copies = [] if self.editable_mode else [copy for _, copy in self._profiles()]
        return super().get_outputs(include_bytecode) + copies


extensions = [
    Extension(
        f"neurocomp._core.{name}",
        [f"neurocomp/_core/{name}.pyx", *(f"csrc/{source}" for source in sources)],
        include_dirs=["csrc"],
        depends=[*glob("csrc/*.h"), str(STAMP)],
        define_macros=[("NC_DEBUG", "1")] if DEBUG else [],
        undef_macros=["NDEBUG"] if DEBUG else [],
        extra_compile_args=DEBUG_FLAGS if DEBUG else RELEASE_FLAGS,
    )
    for name, sources in CORE.items()
]

directives = {"language_level": "3", "boundscheck": DEBUG, "wraparound": DEBUG, "embedsignature": True}
setup(
    cmdclass={"build_py": BuildWithChips},
    ext_modules=cythonize(extensions, compiler_directives=directives, build_dir=f"build/cython-{MODE}"),
)
