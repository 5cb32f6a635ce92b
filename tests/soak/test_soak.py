"""The soak itself: a few seconds of it see nothing wrong, and its table says what grows."""

import pytest

from tests.soak.soak import SPIN, Plan, Sample, opened
from tests.soak.table import ALLOWED, HEAD, table


@pytest.mark.broker
def test_a_soak_with_a_stop_and_a_kill_sees_nothing_wrong(broker, tmp_path):
    plan = Plan(1e9, 50.0, 9000.0, quiet=(1.0, 1.0), restart_every_s=1.5, sample_every_s=1.0, settled_s=0.2)
    wanted = {"memory", "disk", "disk ledger", "restart", "seal", "state visits", SPIN}
    with opened(broker.bootstrap, tmp_path, plan) as soak:
        soak.run(
            lambda: soak.kills and soak.shop.offers and soak.shop.decisions and wanted <= soak.figures.keys()
        )
    assert dict(soak.wrong) == {}


def courses(**growing):
    return {
        name: [Sample(n * 10.0, 100.0 + n * growing.get(name.replace(" ", "_"), 0.0)) for n in range(100)]
        for name in (*ALLOWED, "state visits", SPIN)
    }


def test_the_table_says_what_grows():
    lines, flat = table(courses(), 300.0)
    assert flat
    assert lines[0] == HEAD
    assert len(lines) == 1 + len(ALLOWED) + 2
    lines, flat = table(courses(disk=1.0), 300.0)
    assert not flat
    assert [line.split()[0] for line in lines if line.endswith("GROWS")] == ["disk"]
    assert table(courses(state_visits=1.0), 300.0)[1]


def test_what_happened_before_it_was_warm_is_not_judged():
    figures = courses()
    figures["disk"] = [Sample(n * 10.0, min(n, 60.0)) for n in range(100)]
    assert table(figures, 600.0)[1]
    assert not table(figures, 0.0)[1]


def test_a_machine_that_gets_slower_is_no_growth():
    slower = courses(latency_p50=1.0, restart=1.0, seal=1.0, latency_p95=1.0)
    assert not table(slower, 0.0)[1]
    assert table(slower | {SPIN: [Sample(n * 10.0, 10.0 + n / 10) for n in range(100)]}, 0.0)[1]


def test_what_was_not_seen_often_enough_is_not_passed():
    figures = courses()
    del figures["restart"]
    lines, flat = table(figures, 0.0)
    assert not flat
    assert [line.split()[0] for line in lines if line.endswith("NOT JUDGED")] == ["restart"]
