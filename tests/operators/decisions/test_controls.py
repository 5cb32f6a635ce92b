"""A market under controls: what it decides by from then on, what it revokes, what it tells of the change."""

import msgspec
import pytest

from operators.controls.cause import Cause
from operators.decisions.market import MarketStation
from operators.streaming.messages import ControlsChange, ControlSetting
from schemas.shop import Shop
from tests.builders import T0, Desk, config, market_settings, of_type, records

TEN = {
    "name": "ten_percent",
    "kind": "percent_off",
    "value": 10,
    "channel": "on_site",
    "expires_after": "30m",
    "reward_window": "1h",
}
FILE = {"markets": {"default": {"margin_rate": 0.4, "holdout": 0}}, "offers": [TEN]}


def changed(version, at, settings, *, told=True):
    """A change of controls that sets these settings and no others."""
    cause = Cause(
        change=f"c-{version}", set=settings, before={}, by="ann", approved_by="bob", comment="a reason"
    )
    return ControlsChange(
        at_s=T0 + at,
        id=f"controls/{version}",
        market="default",
        version=version,
        settings=tuple(ControlSetting(path, msgspec.json.encode(value)) for path, value in settings.items()),
        cause=msgspec.json.encode(cause) if told else None,
    )


def desk(file=None, **more):
    return Desk(of=Shop.model_validate(FILE if file is None else file), **more)


def take(desk, change):
    return records(desk.machine.process_controls(change))


def test_every_decision_has_the_version_in_force():
    at = desk()
    (first, _) = at.idle(0, "ann")
    take(at, changed(7, 1, {"markets.default.disclosure": "by law"}))
    (second, _) = at.idle(2, "ben")
    assert (first["controls_version"], second["controls_version"]) == (0, 7)


def test_an_added_offer_is_an_arm_from_now_on():
    at = desk()
    added = {key: value for key, value in TEN.items() if key != "name"} | {"value": 5}
    take(at, changed(1, 1, {"offers.five_percent": added}))
    assert at.idle(2)[0]["eligible"] == ["no_offer", "ten_percent", "five_percent"]


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"offers.ten_percent.paused": True}, "paused"),
        ({"offers.ten_percent.markets": []}, "paused"),
        ({"markets.default.killed": True}, "killed"),
        ({"killed": True}, "killed"),
    ],
)
def test_an_open_offer_that_may_no_longer_be_made_is_revoked_and_the_change_is_its_cause(settings, reason):
    at = desk()
    (decision, _) = at.idle(0)
    (revoked,) = of_type(take(at, changed(1, 1, settings)), "offer.revoked")
    assert (revoked["data"]["offer_id"], revoked["data"]["reason"]) == (decision["offer_id"], reason)
    assert revoked["causationid"] == "c-1"


def test_a_change_that_leaves_an_offer_as_it_is_revokes_nothing():
    at = desk()
    at.idle(0)
    assert of_type(take(at, changed(1, 1, {"markets.default.holdout": 0.5})), "offer.revoked") == []
    assert at.idle(2, "ben")[0]["holdout_share"] == 0.5


def test_an_offer_decided_before_a_crash_is_revoked_by_a_kill_that_is_read_first_afterwards():
    at = desk()
    state = at.machine.snapshot()
    at.idle(0)
    resumed = desk(state=state, ledger=at.ledger)
    told = [each["type"] for each in take(resumed, changed(1, 1, {"killed": True}))]
    assert told == ["decision", "offer.decided", "offer.revoked", "control_applied"]


def test_a_change_in_force_is_told_with_who_set_what():
    (told,) = take(desk(), changed(3, 1, {"markets.default.holdout": 0.2}))
    assert told["type"] == "control_applied"
    assert (told["control_id"], told["market"], told["version"]) == ("default-control-3", "default", 3)
    assert (told["change_id"], told["set"]) == ("c-3", {"markets.default.holdout": 0.2})
    assert (told["by"], told["approved_by"], told["comment"]) == ("ann", "bob", "a reason")


def test_a_change_of_before_the_first_start_is_in_force_and_not_told():
    at = desk(emit_after_s=T0 + 10)
    assert take(at, changed(1, 1, {"killed": True})) == []
    assert at.machine.controls.version == 1


@pytest.mark.parametrize("version", [1, 2])
def test_what_is_not_newer_than_what_is_in_force_changes_nothing(version):
    at = desk()
    take(at, changed(2, 1, {"killed": True}))
    assert take(at, changed(version, 2, {})) == []
    assert at.machine.controls.shop.killed


def test_a_restart_finds_the_controls_before_anybody_tells_it():
    at = desk()
    take(at, changed(2, 1, {"markets.default.holdout": 0.3, "markets.default.policy": "uniform"}))
    resumed = desk(state=at.machine.snapshot())
    assert resumed.machine.controls.version == 2
    assert resumed.machine.market.holdout == 0.3
    assert resumed.machine.replaced_policy is None


def test_a_file_that_changed_meanwhile_leaves_out_what_it_has_no_place_for():
    at = desk()
    take(at, changed(2, 1, {"offers.ten_percent.paused": True, "markets.default.holdout": 0.3}))
    resumed = desk({**FILE, "offers": [TEN | {"name": "other"}]}, state=at.machine.snapshot())
    assert resumed.machine.market.holdout == 0.3
    assert list(resumed.machine.controls.left_out) == ["offers.ten_percent.paused"]


def test_a_station_hands_controls_to_its_decisions():
    station = MarketStation(config(Shop.model_validate(FILE)), market_settings())
    assert station.on_controls(changed(1, 1, {"killed": True}, told=False)) == []
    assert station.decisions.controls.version == 1
