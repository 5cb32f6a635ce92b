"""A table of players side by side over many tasks, with the error of their differences."""

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

import numpy as np

Task = TypeVar("Task")


def side_by_side(
    kind: str,
    tasks: Mapping[str, Task],
    names: Sequence[str],
    seeds: int,
    run: Callable[[Task, str, int], float],
) -> None:
    """Print a row for each task as lines of Markdown: each player's mean over seeds of what ``run`` returns.

    Each is followed by the standard error of its difference from the first player, seed by seed.
    """
    runs = [(task, name, seed) for task in tasks.values() for name in names for seed in range(seeds)]
    write = sys.stdout.write
    write(f"| {kind} | " + " | ".join(names) + " |\n" + "|---" * (1 + len(names)) + "|\n")
    with ProcessPoolExecutor(2) as pool:
        found = iter(pool.map(run, *zip(*runs, strict=True)))
        for title in tasks:
            cells = np.array([[next(found) for _ in range(seeds)] for _ in names])
            errors = (cells - cells[0]).std(axis=1, ddof=1) / math.sqrt(seeds)
            row = zip(cells.mean(axis=1), errors, strict=True)
            write(f"| {title} | " + " | ".join(f"{mean:.3f} ± {error:.3f}" for mean, error in row) + " |\n")
            sys.stdout.flush()
