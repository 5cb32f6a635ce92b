"""The cyclic garbage collector of a process that keeps many objects for a long time."""

import gc


def tune_gc() -> None:
    """Exempt what lives long from cyclic collection, which otherwise costs much of the throughput."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
