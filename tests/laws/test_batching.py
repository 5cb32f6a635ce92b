"""Law 1: batching changes nothing. Batches, epochs, partitions and processes do not change what is said."""

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import orjson
import pytest
from bytewax.testing import run_main

from flows.files.sorting import sort_files
from flows.kafka.broker_process import LEASH, free_port
from tests.laws.limits import broken_limits
from tests.laws.shopping import OFFERS_TOML, SHOP, by_stream, dataflow_of, jumbled, messages, plain

ROOT = Path(__file__).parents[2]
STREAMS = ("offers", "decisions", "rewards", "scores", "outcomes", "drifts", "rejected")


def test_the_log_leads_to_everything_that_can_be_said(said):
    kinds = {each.type for each in said}
    assert kinds == {
        "score", "decision", "reward", "outcome", "offer.decided", "offer.redeemed", "offer.revoked",
        "offer.expired",
    }  # fmt: skip
    assert sum(each.type == "offer.decided" for each in said) > 60


@pytest.mark.parametrize("batch", [7, 5000])
def test_the_size_of_batches_changes_nothing(events, expected, batch):
    assert by_stream(plain(messages(events), batch=batch)) == expected


def test_events_one_by_one_say_what_a_batch_of_them_says(events):
    some = messages(events[:250])
    assert by_stream(plain(some, batch=1)) == by_stream(plain(some))


@pytest.mark.parametrize("parts", [1, 3])
def test_the_order_of_arrival_changes_nothing(events, expected, parts):
    arriving = jumbled(events)
    assert arriving != events
    assert by_stream(plain(messages(arriving, parts))) == expected


@pytest.mark.parametrize("parts", [2, 5])
def test_the_number_of_partitions_changes_nothing(events, expected, parts):
    assert by_stream(plain(messages(events, parts), batch=50)) == expected


@pytest.mark.parametrize(("parts", "batch", "epoch_s"), [(1, 300, 10), (3, 20, 0)])
def test_the_page_says_what_the_plain_loop_says(events, expected, parts, batch, epoch_s):
    flow, ends = dataflow_of(messages(events, parts), batch=batch)
    run_main(flow, epoch_interval=timedelta(seconds=epoch_s))
    assert by_stream(said for end in ends.values() for said in end.items) == expected


def test_two_processes_say_what_one_says(events, expected, tmp_path):
    (tmp_path / "offers.toml").write_text(OFFERS_TOML)
    for part, lane in messages(events, 3).items():
        path = tmp_path / f"{part.replace('/', '-')}.jsonl"
        path.write_bytes(b"".join(message.value + b"\n" for message in lane))
    files = sorted(map(str, tmp_path.glob("log-*.jsonl")))
    results = {}
    for processes in (1, 2):
        out = tmp_path / f"out-{processes}"
        out.mkdir()
        addresses = [f"127.0.0.1:{free_port()}" for _ in range(processes)] if processes > 1 else []
        command = [sys.executable, "-m", "tests.laws.member", str(out), str(tmp_path / "offers.toml")]
        members = [
            subprocess.Popen([*LEASH, *command, str(number), ";".join(addresses), *files], cwd=ROOT)
            for number in range(processes)
        ]
        try:
            assert [member.wait(timeout=120) for member in members] == [0] * processes
        finally:
            for member in members:
                member.kill()
                member.wait()
        sort_files(out)
        results[processes] = {name: (out / f"{name}.jsonl").read_bytes() for name in STREAMS}
    assert results[1] == results[2]
    told = b"".join(results[2][name] for name in ("offers", "decisions", "rewards"))
    assert broken_limits([orjson.loads(line) for line in told.splitlines()], SHOP) == []
    assert results[1]["decisions"].count(b"\n") == sum(
        b'"type":"decision"' in v for _, v in expected["decisions"]
    )
