"""Each alert fires when it should and else does not, by Prometheus' own ``promtool``; each has a runbook."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
ALERTS = ROOT / "deploy/prometheus/alerts.yml"
RUNBOOKS = ROOT / "docs/how-to/alerts.md"
RULES = {
    rule["alert"]: rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]
}
SEVERITIES = {"critical", "warning", "info"}
HERE = 'job="offerstream",instance="pod"'
DE = f'{HERE},market="de"'
DAY = 1440

EPOCH_10S = {f"offerstream_epoch_seconds{{{HERE}}}": "10+0x{n}"}
EPOCH_60S = {f"offerstream_epoch_seconds{{{HERE}}}": "60+0x{n}"}
SIZE = {f"offerstream_state_disk_size_bytes{{{HERE}}}": "100e9+0x{n}"}
LIMIT = {f"offerstream_memory_limit_bytes{{{HERE}}}": "4e9+0x{n}"}
EVENTS = f'offerstream_events_total{{{HERE},topic="shop.events",outcome="processed"}}'
REJECTED = f'offerstream_events_total{{{HERE},topic="shop.events",outcome="rejected"}}'
CATALOG = f'offerstream_events_total{{{HERE},topic="shop.catalog",outcome="processed"}}'
DECISIONS = f'offerstream_decisions_total{{{DE},arm="ten",stage="STAGE"}}'
OFFERS = f'offerstream_records_published_total{{{HERE},stream="offers",type="offer.decided"}}'


def seals(seconds):
    """Seals of about so long, one every epoch of ten seconds."""
    bounds = ("0.5", "1.0", "2.5", "5.0", "+Inf")
    return {
        f'offerstream_seal_seconds_bucket{{{HERE},le="{bound}"}}': "0+6x{n}"
        if float(bound) >= seconds
        else "0+0x{n}"
        for bound in bounds
    }


def latency(seconds):
    bounds = ("1.0", "5.0", "10.0", "+Inf")
    name = "offerstream_end_to_end_latency_seconds_bucket"
    return {
        f'{name}{{{HERE},le="{bound}"}}': "0+60x{n}" if float(bound) >= seconds else "0+0x{n}"
        for bound in bounds
    }


def gauge(name, value, labels=HERE):
    return {f"offerstream_{name}{{{labels}}}": f"{value}+0x{{n}}"}


def decisions(stage, offers):
    return {DECISIONS.replace("STAGE", stage): "0+1x{n}", OFFERS: f"0+{offers}x{{n}}"}


def entropies(choice, probability):
    return gauge("choice_entropy", choice, DE) | gauge("probability_entropy", probability, DE)


CASES = {
    "WorkerDown": (10, {f"up{{{HERE}}}": "0+0x{n}"}, {f"up{{{HERE}}}": "1 1 1 1 1 0 1 1 1 1 1"}),
    "WorkerRestarts": (
        60,
        {f"offerstream_start_time_seconds{{{HERE}}}": "0 100 200 300 400+0x{n}"},
        {f"offerstream_start_time_seconds{{{HERE}}}": "0 100 200+0x{n}"},
    ),
    "WatermarkStalled": (
        10,
        gauge("watermark_stalled_seconds", 130),
        gauge("watermark_stalled_seconds", 100),
    ),
    "EpochsStalled": (
        10,
        gauge("epoch_age_seconds", 100) | EPOCH_10S,
        gauge("epoch_age_seconds", 100) | EPOCH_60S,
    ),
    "SealsSlow": (60, seals(5.0) | EPOCH_10S, seals(5.0) | EPOCH_60S),
    "InputSilent": (
        DAY + 60,
        {EVENTS: "0+60x1440 86400+0x60", CATALOG: "0+60x{n}"},
        {EVENTS: "0+0x{n}", CATALOG: "0+60x1440 86400+0x60"},
    ),
    "FallsBehind": (30, gauge("watermark_delay_seconds", 700), gauge("watermark_delay_seconds", 300)),
    "LagGrows": (
        60,
        {f'offerstream_lag_records{{{HERE},topic="a",partition="0"}}': "20000+100x{n}"},
        {f'offerstream_lag_records{{{HERE},topic="a",partition="0"}}': "90000-100x{n}"},
    ),
    "OffersLate": (60, latency(10.0), latency(1.0)),
    "ClockWrong": (10, gauge("watermark_delay_seconds", -30), gauge("watermark_delay_seconds", 12)),
    "DiskFull": (5, gauge("state_disk_free_bytes", 4e9) | SIZE, gauge("state_disk_free_bytes", 6e9) | SIZE),
    "DiskFilling": (
        480,
        {f"offerstream_state_disk_free_bytes{{{HERE}}}": "40e9-5e7x{n}"} | SIZE,
        {f"offerstream_state_disk_free_bytes{{{HERE}}}": "40e9-1e7x{n}"} | SIZE,
    ),
    "MemoryHigh": (
        20,
        {f"process_resident_memory_bytes{{{HERE}}}": "3.8e9+0x{n}"} | LIMIT,
        {f"process_resident_memory_bytes{{{HERE}}}": "3e9+0x{n}"} | LIMIT,
    ),
    "PartitionsUnread": (
        10,
        gauge("unread_partitions", 2, f'{HERE},topic="shop.events"'),
        gauge("unread_partitions", 0, f'{HERE},topic="shop.events"'),
    ),
    "NothingTaken": (20, {REJECTED: "0+6x{n}"}, {REJECTED: "0+1x{n}", EVENTS: "0+60x{n}"}),
    "ManyRejects": (
        30,
        {f'offerstream_rejects_total{{{HERE},class="invalid"}}': "0+6x{n}", EVENTS: "0+60x{n}"},
        {f'offerstream_rejects_total{{{HERE},class="invalid"}}': "0+1x{n}", EVENTS: "0+60x{n}"},
    ),
    "ControlRejected": (
        90,
        {f'offerstream_rejects_total{{{HERE},class="control"}}': "_x85 1+0x5"},
        {f'offerstream_rejects_total{{{HERE},class="control"}}': "1+0x{n}"},
    ),
    "ForeignCurrency": (
        90,
        {f'offerstream_rejects_total{{{HERE},class="currency"}}': "1+0x80 2+0x9"},
        {f'offerstream_rejects_total{{{HERE},class="currency"}}': "1+0x{n}"},
    ),
    "OrdersUnattributed": (
        10,
        gauge("orders_unattributed_share", 0.6, DE),
        gauge("orders_unattributed_share", 0.3, DE),
    ),
    "RewardsStopped": (
        10,
        gauge("reward_silence_seconds", 4000, DE) | gauge("missed_rewards", 12, DE),
        gauge("reward_silence_seconds", 4000, DE) | gauge("missed_rewards", 2, DE),
    ),
    "DecisionsWithoutOffers": (DAY, decisions("online", 0), decisions("shadow", 0)),
    "DrawsUnlikeProbabilities": (90, entropies(0.05, 0.6), entropies(0.55, 0.6)),
    "ChoicesCollapsed": (DAY + 60, entropies(0.05, 0.06), entropies(0.3, 0.2)),
    "PolicyNeverSettles": (
        90,
        entropies(0.99, 0.97) | gauge("policy_updates", 3000, DE),
        entropies(0.99, 0.97) | gauge("policy_updates", 500, DE),
    ),
    "NoEligibleArm": (90, gauge("no_eligible_arm_share", 0.7, DE), gauge("no_eligible_arm_share", 0.4, DE)),
    "HoldoutOutOfBalance": (5, gauge("holdout_p_value", 0.0001, DE), gauge("holdout_p_value", 0.2, DE)),
    "BudgetOverrun": (
        60,
        {f"offerstream_budget_overrun{{{DE}}}": "0+0x30 5+0x30"},
        {f"offerstream_budget_overrun{{{DE}}}": "5+0x{n}"},
    ),
    "DriftDetected": (
        90,
        {f'offerstream_drift_detected_total{{{DE},what="base_rate"}}': "_x85 1+0x5"},
        {f'offerstream_drift_detected_total{{{DE},what="base_rate"}}': "1+0x{n}"},
    ),
}
"""By alert: how many minutes pass, the series with which it fires then, and those with which it does not."""


@pytest.fixture(scope="session")
def promtool(request):
    found = shutil.which("promtool")
    if found is None:
        missing = "there is no promtool here: apt-get install -y --no-install-recommends prometheus"
        if request.config.getoption("--promtool") == "required":
            pytest.fail(missing)
        pytest.skip(missing)
    return found


def case(name, series, minutes, *, fires):
    """A test as promtool reads it, of all alerts that fire at the end."""
    samples = [{"labels": f'{{alertname="{name}"}}', "value": 1}] if fires else []
    return {
        "name": f"{name} {'fires' if fires else 'is silent'}",
        "interval": "1m",
        "input_series": [{"series": key, "values": text.format(n=minutes)} for key, text in series.items()],
        "promql_expr_test": [
            {
                "expr": 'count by (alertname) (ALERTS{alertstate="firing"})',
                "eval_time": f"{minutes}m",
                "exp_samples": samples,
            }
        ],
    }


def run(promtool, directory, tests):
    (directory / "tests.yml").write_text(
        yaml.safe_dump({"rule_files": [str(ALERTS)], "evaluation_interval": "5m", "tests": tests})
    )
    return subprocess.run(
        [promtool, "test", "rules", directory / "tests.yml"], capture_output=True, text=True, check=False
    )


def test_every_alert_fires_alone_when_it_should_and_is_silent_when_all_is_well(promtool, tmp_path):
    tests = []
    for name, (minutes, firing, silent) in CASES.items():
        tests += [case(name, firing, minutes, fires=True), case(name, silent, minutes, fires=False)]
    done = run(promtool, tmp_path, tests)
    assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_would_say_if_one_did_not_fire(promtool, tmp_path):
    minutes, _, silent = CASES["DiskFull"]
    done = run(promtool, tmp_path, [case("DiskFull", silent, minutes, fires=True)])
    assert done.returncode != 0


def test_every_alert_is_tried():
    assert CASES.keys() == RULES.keys()


@pytest.mark.parametrize("name", RULES)
def test_every_alert_has_a_severity_and_a_runbook(name):
    rule = RULES[name]
    assert rule["labels"]["severity"] in SEVERITIES
    place = f"https://github.com/offerstream/offerstream/blob/main/{RUNBOOKS.relative_to(ROOT).as_posix()}"
    assert rule["annotations"]["runbook_url"] == f"{place}#{name.lower()}"
    sections = dict(
        re.findall(r"^### (\w+)\n\n(.*?)(?=^#|\Z)", RUNBOOKS.read_text(), re.MULTILINE | re.DOTALL)
    )
    assert sections.keys() == RULES.keys()
    assert f"**{rule['labels']['severity'].capitalize()}.**" in sections[name]
