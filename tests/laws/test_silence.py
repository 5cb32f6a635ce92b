"""Law 14: silence is loud. What was refused, and orders that never join, are said where one looks first."""

import random
from pathlib import Path

import orjson
import pytest
from msgspec.structs import replace

from flows.cli import main
from flows.observability.health import Limits, health
from flows.observability.instrumentation import Instrumentation, InstrumentedReader
from flows.observability.metrics import Metrics
from flows.observability.reject_watch import RejectWatch
from flows.settings import Settings
from tests.builders import MAX_EVENT_BYTES, MINUTE, carted, looked, message, ordered, reader, segment_calls
from tests.flows.observability.fakes import Clock

GOOD = 40
BAD = {
    "of another format": segment_calls(400),
    "no JSON": [b"{"] * 400,
    "of a market that is not there": [orjson.dumps(looked(n, market="nowhere")) for n in range(400)],
}
COMMANDS = {"replay": ["replay", "--out", "out"], "backtest": ["backtest", "--policy", "none"]}


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def mixed(bad, share, seed=0):
    """Events of a shop with this share of bad records among them."""
    good = [orjson.dumps(carted(n * MINUTE, f"v{n}")) for n in range(GOOD)] if share < 1 else []
    some = list(BAD[bad][: round(GOOD * share / (1 - share))] if share < 1 else BAD[bad])
    random.Random(seed).shuffle(some)
    return [line for n in range(max(len(good), len(some))) for line in (*good[n : n + 1], *some[n : n + 1])]


def last_words(command, lines, capfd):
    Path("events.jsonl").write_bytes(b"\n".join(lines))
    name, *options = COMMANDS[command]
    code = main([name, "events.jsonl", *options])
    said = capfd.readouterr()
    return code, said.out + said.err


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("share", [0.6, 1.0])
def test_a_run_over_files_says_that_most_was_refused(command, bad, share, capfd):
    lines = mixed(bad, share)
    code, said = last_words(command, lines, capfd)
    taken = GOOD if share < 1 else 0
    assert f"{taken} of {len(lines)} records were taken: {len(lines) - taken} are " in said
    assert code == (0 if taken else 1)


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("share", [0.6, 1.0])
def test_a_worker_says_that_most_is_refused(bad, share, caplog):
    clock = Clock(0.0)
    metrics = Metrics(clock, clock)
    instrumentation = Instrumentation(metrics, clock, RejectWatch(lambda _: "native", MAX_EVENT_BYTES, clock))
    read = InstrumentedReader(reader(), instrumentation)
    for offset, line in enumerate(mixed(bad, share)):
        clock.now_s = offset * 0.5
        read.read([replace(message({}, offset), value=line)], None)
    stall_after = Settings().stall_after
    is_alive, figures = health(
        metrics.progress, Limits(stall_after * 10, stall_after * 10, ahead=None), metrics.concerns.reasons()
    )
    assert is_alive
    assert figures["status"] == "degraded"
    assert any(each.startswith("degraded: topic shop.events: ") for each in caplog.messages)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("keys", [(), ("user_id",), ("cart_id", "visitor_id")], ids="+".join)
def test_a_run_over_files_says_that_no_order_ever_joined(command, keys, capfd):
    lines = []
    for n in range(GOOD):
        lines.append(orjson.dumps(carted(n * MINUTE, f"v{n}", cart_id=f"c{n}")))
        order = ordered(n * MINUTE + 20, None, id=f"o{n}", order_id=f"o{n}")
        lines.append(orjson.dumps(order | dict.fromkeys(keys, f"server {n}")))
    _, said = last_words(command, lines, capfd)
    assert "Orders come but do not join: 100% of the last ones met no visit, cart or decision. " in said
