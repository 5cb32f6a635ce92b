"""The cyclic garbage collector of a process that keeps much for long."""

import gc


def tune_gc() -> None:
    """Let the cyclic collector leave alone what lives long: else it costs much of the throughput."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
