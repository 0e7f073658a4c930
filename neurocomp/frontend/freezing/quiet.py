"""torch.export speaks to people who know it: its warnings and the graphs that it prints are kept from the user, whose
error message says in one sentence what was wrong and where."""

from __future__ import annotations

import io
import logging
import sys
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from pathlib import Path

TRITON = "torch._library.triton"
_NOISY = (TRITON, "torch.fx.experimental.symbolic_shapes", "torch.export", "torch.export._trace")
_BRANCHES = ("GuardOnDataDependentSymNode", "DataDependentOutputException", "DynamicOutputShapeException")


@contextmanager
def hushed(level: int, *names: str) -> Iterator[None]:
    """Loggers of torch's parts say nothing below a level; a user can do nothing about what they remark."""
    loggers = [logging.getLogger(name) for name in names]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(level)
    try:
        yield
    finally:
        for logger, before in zip(loggers, levels, strict=True):
            logger.setLevel(before)


@contextmanager
def quiet() -> Iterator[None]:
    """No warnings about how torch takes the graph, and no half-taken graphs on stderr; what the module itself prints
    passes."""
    said = io.StringIO()
    graph = ""
    try:
        with hushed(logging.CRITICAL, *_NOISY), warnings.catch_warnings(), redirect_stderr(said):
            warnings.simplefilter("ignore")
            yield
    except Exception as error:
        graph = f"{getattr(error, 'partial_fx_graph', '')}\n"  # torch prints it, once or several times
        raise
    finally:
        sys.stderr.write(said.getvalue().replace(graph, "") if graph.strip() else said.getvalue())


def reason(error: Exception) -> str:
    """Why torch cannot take a graph: its first line, and the line of the user's code at which it stopped."""
    import torch

    first = (str(error).strip().splitlines() or [""])[0]
    why = f"{type(error).__name__}: {first}"
    if type(error).__name__ in _BRANCHES:
        why = "what is done depends on the value of a tensor"
    own = (str(Path(torch.__file__).parent), str(Path(__file__).parents[2]))
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith(own)]
    if not frames or not frames[-1].line:
        return why
    return f"{why} ({Path(frames[-1].filename).name}, line {frames[-1].lineno}: {frames[-1].line})"
