"""How much of the disk the state takes."""

from flows.observability.disk_use import LOOK_EVERY_S, DiskUse
from flows.observability.metrics import Metrics
from tests.flows.observability.fakes import Clock


def test_each_part_is_told_and_not_looked_up_too_often(tmp_path):
    clock = Clock(5.0)
    (tmp_path / "ledger" / "de").mkdir(parents=True)
    (tmp_path / "ledger" / "de" / "a.sst").write_bytes(b"x" * 10_000)
    (tmp_path / "seen").mkdir()
    (tmp_path / "start.json").write_text("{}")
    disk = DiskUse(tmp_path, clock)
    parts = disk.look()
    assert set(parts) == {"ledger", "seen"}
    assert 10_000 <= parts["ledger"] < 40_000
    assert parts["seen"] == 0
    (tmp_path / "ledger" / "de" / "a.sst").unlink()
    assert disk.look() == parts
    clock.now_s += LOOK_EVERY_S
    assert disk.look() == {"ledger": 0, "seen": 0}


def test_prometheus_reads_it_and_a_directory_that_is_gone_ends_nothing(tmp_path):
    metrics = Metrics(disk=DiskUse(tmp_path))
    (tmp_path / "catalog").mkdir()
    names = {(sample.name, sample.labels.get("part")) for sample in _samples(metrics)}
    assert ("offerstream_state_disk_used_bytes", "catalog") in names
    assert list(_samples(Metrics(disk=DiskUse(tmp_path / "gone"))))


def _samples(metrics):
    for family in metrics.registry.prometheus.collect():
        yield from family.samples
