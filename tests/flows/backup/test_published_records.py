"""What was published is read from files in the order of its time, and told to its market."""

from datetime import datetime

import orjson
import pytest

from flows.backup.published_records import awaited_in, check_files, latest_score_s, steps
from flows.files.jsonl import LineFiles
from flows.files.sorting import sort_files
from schemas.errors import DataError
from tests.laws import shopping


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    """The files of a run that was cut short."""
    directory = tmp_path_factory.mktemp("records")
    settings, events = shopping.settings(), shopping.log(visitors=40)
    said, _ = shopping.loop(shopping.messages(events), settings, ordered=False)
    for stream in ("offers", "decisions"):
        LineFiles(directory, stream).write(each for each in said if each.stream == stream)
    sort_files(directory)
    return directory


class Noted:
    """What a market is told, by the names of its methods."""

    def __init__(self):
        self.told = []

    def __getattr__(self, name):
        return lambda *given: self.told.append((name, *given))


def test_everything_comes_in_the_order_of_time_and_an_offer_before_its_decision(records):
    market, times, offered, decided = Noted(), [], set(), set()
    for at_s, _, _, take in steps(records):
        times.append(at_s)
        if "_told" not in take.__qualname__:  # those call methods of the class
            take(market)
            name, *given = market.told[-1]
            if name == "offered":
                offered.add(given[0])
            elif name == "decided":
                decided.add(given[0])
                record = orjson.loads(given[1])
                assert (record["offer_id"] is None) or given[0] in offered
    assert times == sorted(times)
    assert len(decided) > 10
    assert offered <= decided


def test_decisions_wait_for_a_reward_that_is_not_there(records, tmp_path):
    assert awaited_in(records) == frozenset()
    decisions = (records / "decisions.jsonl").read_bytes()
    (tmp_path / "decisions.jsonl").write_bytes(decisions)
    lines = [orjson.loads(line) for line in decisions.splitlines()]
    had_choice = {each["decision_id"] for each in lines if each["window_ends_at"] > each["at"]}
    assert awaited_in(tmp_path) == had_choice
    rewards = (records / "rewards.jsonl").read_bytes().splitlines(keepends=True)
    windows = [line for line in rewards if orjson.loads(line)["kind"] == "window"]
    (tmp_path / "rewards.jsonl").write_bytes(b"".join(windows[:-1]))
    assert awaited_in(tmp_path) == {orjson.loads(windows[-1])["decision_id"]}


def test_the_latest_score_is_the_last_line(records, tmp_path):
    last = orjson.loads((records / "scores.jsonl").read_bytes().splitlines()[-1])
    assert latest_score_s(records) == pytest.approx(datetime.fromisoformat(last["at"]).timestamp())
    assert latest_score_s(tmp_path) is None


def test_what_is_no_export_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"decisions\.jsonl is missing"):
        check_files(tmp_path)
    (tmp_path / "decisions.jsonl").write_text("{}\n")
    with pytest.raises(DataError, match="line 1 must be a record as this version writes it"):
        list(steps(tmp_path))
