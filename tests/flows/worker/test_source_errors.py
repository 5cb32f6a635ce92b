"""A source that fails ends the run with its error alone, and nothing of the failed epoch is sealed."""

from datetime import UTC, datetime, timedelta

import bytewax.operators as op
import pytest
from bytewax.dataflow import Dataflow
from bytewax.errors import BytewaxRuntimeError
from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition
from bytewax.recovery import RecoveryConfig, init_db_dir
from bytewax.testing import run_main

from flows.local.memory import CollectSink
from flows.worker.source_errors import errors_after_run
from schemas.errors import DataError


class Counting(StatefulSourcePartition):
    """Counts to ten and fails at a number."""

    def __init__(self, source, start):
        self.source = source
        self.number = start

    def next_batch(self):
        if self.number == self.source.fails_at:
            raise self.source.error
        if self.number == 10:
            raise StopIteration
        self.number += 1
        return [("all", self.number)]

    def next_awake(self):
        return datetime.now(UTC)

    def snapshot(self):
        return self.number

    def close(self):
        self.source.closed += 1


class CountingSource(FixedPartitionedSource):
    def __init__(self, fails_at=None, error=None):
        self.fails_at = fails_at
        self.error = error
        self.closed = 0

    def list_parts(self):
        return ["count"]

    def build_part(self, _step_id, _for_part, resume_state):
        return Counting(self, resume_state or 0)


def run(source, sink, *, epoch_s=0.0, store=None):
    with errors_after_run(source) as guarded:
        flow = Dataflow("counting")
        op.output("sink", op.input("source", flow, guarded), sink)
        run_main(flow, epoch_interval=timedelta(seconds=epoch_s), recovery_config=store)


def test_an_expected_error_comes_alone(capfd):
    sink, source = CollectSink(), CountingSource(3, DataError("line 3 is broken"))
    with pytest.raises(DataError, match=r"^line 3 is broken$"):
        run(source, sink)
    assert sink.items == [1, 2, 3]
    assert source.closed == 1
    assert capfd.readouterr() == ("", "")


def test_a_source_without_errors_is_read_to_its_end():
    sink, source = CollectSink(), CountingSource()
    run(source, sink)
    assert sink.items == list(range(1, 11))
    assert source.closed == 1


def test_a_defect_is_reported_with_everything_known_of_it(capfd):
    with pytest.raises(BytewaxRuntimeError) as stopped:
        run(CountingSource(3, RuntimeError("a defect")), CollectSink())
    assert str(stopped.value.__cause__) == "a defect"
    assert "panicked" in capfd.readouterr().err


def test_a_failed_epoch_is_not_sealed(tmp_path):
    init_db_dir(tmp_path, 1)
    sink, store = CollectSink(), RecoveryConfig(tmp_path)
    with pytest.raises(DataError):
        run(CountingSource(3, DataError("broken")), sink, epoch_s=600, store=store)
    run(CountingSource(), sink, epoch_s=600, store=store)
    assert sink.items == list(range(1, 11))
