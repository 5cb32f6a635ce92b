"""Controls of a live worker: in force within seconds, after a crash, and with a lost state directory."""

import shutil
import subprocess
import sys
import time
import uuid

import orjson
import pytest

from tests.broker.test_live import QUICK, SHOP, carted, kinds, records, send_events
from tests.worker import ROOT, Worker

pytestmark = [pytest.mark.broker, pytest.mark.timeout(300)]


@pytest.fixture
def worker(broker, tmp_path):
    tail = uuid.uuid4().hex[:8]
    topics = {name: f"{name}-{tail}" for name in ("events", "feedback", "offers", "decisions", "rejected")}
    offers = tmp_path / "offers.toml"
    offers.write_text(SHOP)
    args = ("--from", "earliest")
    settings = QUICK | {"policy": "always:ten"}
    with Worker(broker.bootstrap, tmp_path / "state", topics, offers=offers, args=args, **settings) as made:
        yield made


def control(worker, *words, code=0):
    """Run the command as a marketer does."""
    given = ["--bootstrap", worker.bootstrap, "--offers", str(worker.state.parent / "offers.toml")]
    given += ["--set", f"topics=controls={worker.topics['controls']}"]
    given += ["--by", "ann"] if words[0] != "history" else []
    ran = subprocess.run(
        [sys.executable, "-m", "flows.cli", "control", *words, *given],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ran.returncode == code, ran.stderr
    return ran.stdout if code == 0 else ran.stderr


def decisions(worker):
    return [value for value, _ in records(worker, "decisions") if value["type"] == "decision"]


def applied(worker):
    return [
        value["version"] for value, _ in records(worker, "decisions") if value["type"] == "control_applied"
    ]


def decided(worker, visitor):
    """The decision about a new visitor, once it is made."""
    send_events(worker, carted(visitor))
    worker.until(lambda: visitor in [each["visitor_id"] for each in decisions(worker)])
    return next(each for each in decisions(worker) if each["visitor_id"] == visitor)


def test_a_pause_is_in_force_at_once_and_after_a_crash_and_with_a_lost_state(worker):
    worker.start().started()
    assert decided(worker, "ann")["eligible"] == ["no_offer", "ten"]

    assert control(worker, "pause", "ten").endswith("Version 1 is in force.\n")
    sent = time.monotonic()
    worker.until(lambda: applied(worker) == [1])
    assert time.monotonic() - sent < 5  # seconds are promised; a busy machine gets some more
    worker.until(lambda: "offer.revoked" in kinds(worker, "offers"))
    ben = decided(worker, "ben")
    assert (ben["removed"], ben["controls_version"]) == ({"ten": "paused"}, 1)

    worker.kill()
    worker.start().started()
    cid = decided(worker, "cid")
    assert (cid["removed"], cid["controls_version"]) == ({"ten": "paused"}, 1)

    worker.kill()
    shutil.rmtree(worker.state)
    worker.start().started()
    dan = decided(worker, "dan")
    assert (dan["removed"], dan["controls_version"]) == ({"ten": "paused"}, 1)
    assert applied(worker) == [1]  # what was changed before a first start is not told as new
    assert worker.stop() == 0


def test_an_invalid_change_is_rejected_with_its_reason_and_the_last_valid_one_stays(worker):
    worker.start().started()
    assert "markets.default.holdout must be" in control(worker, "set", "markets.default.holdout", "2", code=2)
    control(worker, "pause", "ten")
    change = {"type": "change", "id": "x", "by": "eve", "at": "2026-11-30T12:00:00Z"}
    value = orjson.dumps(change | {"set": {"markets.default.holdout": 2}})
    send_events(worker, value, topic="controls", key=b"change/x")
    worker.until(lambda: records(worker, "rejected"))
    ((_, headers),) = records(worker, "rejected")
    assert headers["offerstream.class"] == b"control"
    assert headers["offerstream.reason"].startswith(
        b"markets.default.holdout must be less than or equal to 1"
    )
    assert decided(worker, "ann")["controls_version"] == 1
    assert "refused: markets.default.holdout" in control(worker, "history")
    assert worker.stop() == 0
