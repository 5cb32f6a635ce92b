"""A dataflow that prints in which process of it each key is."""

import sys

from bytewax.operators import StatefulBatchLogic
from bytewax.outputs import DynamicSink, StatelessSinkPartition


class Echo(StatefulBatchLogic):
    def on_batch(self, values):
        return values, StatefulBatchLogic.RETAIN

    def snapshot(self):
        return None


class _Printing(StatelessSinkPartition):
    def __init__(self, worker):
        self._worker = worker

    def write_batch(self, items):
        for key, _ in items:
            sys.stdout.write(f"{key} {self._worker}\n")  # in one piece: the workers are threads


class Where(DynamicSink):
    def build(self, _step_id, worker_index, _worker_count):
        return _Printing(worker_index)
