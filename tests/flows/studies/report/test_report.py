"""What the report shows of a log: its texts, its numbers, and what it does without data."""

import re

import numpy as np
import orjson
import pytest

from flows.cli import main
from flows.studies.lift.experiment_columns import ExperimentColumns
from flows.studies.lift.run import read_lift
from flows.studies.report.arm_shares import ArmShares
from flows.studies.report.calibration import CalibrationCurve
from flows.studies.report.gather import gather
from flows.studies.report.lift_over_time import lift_over_time, lift_sections
from flows.studies.report.model_quality import BINS, ModelQuality, binned_auc
from flows.studies.report.page import page
from operators.abandonment.rolling_metrics import auc, log_loss
from operators.experiments.lift.confidence_sequence import START
from tests.report_log import ARMS, decision, log, write


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return log(tmp_path_factory.mktemp("run"), truths=True, drifts=["base_rate"])


@pytest.fixture(scope="module")
def market(run):
    (found,) = gather(run)
    return found


@pytest.fixture(scope="module")
def sections(market):
    return {section.slug: section for section in market.sections()}


def lines(path):
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def test_the_summary_counts_the_records_of_the_files(run, market):
    figures = dict(market.figures())
    decisions = lines(run / "decisions.jsonl")
    assert figures["decisions"] == "600"
    assert figures["held out"] == str(sum(each["holdout"] for each in decisions))
    rewards = [each for each in lines(run / "rewards.jsonl") if not each["holdout"]]
    mean = sum(each["profit"] for each in rewards) / len(rewards)
    assert figures["profit per decision, policy (95 %)"].startswith(f"{mean:.2f} (")


def test_the_summary_has_the_time_span_and_the_policies(market, tmp_path):
    assert market.overview.about() == "2026-01-01 00:00 to 2026-01-01 10:39 UTC; decided by linear_thompson."
    directory = log(tmp_path, decisions=3)
    write(
        directory / "decisions.jsonl",
        [each | {"policy": "linucb"} for each in lines(directory / "decisions.jsonl")],
    )
    assert (
        gather(directory)[0].overview.about()
        == "2026-01-01 00:00 to 2026-01-01 00:42 UTC; decided by linucb."
    )


def test_every_plot_explains_how_to_read_it_and_what_it_shows(sections):
    assert len(sections) == 12
    for section in sections.values():
        assert section.figure is not None
        assert section.how.endswith(".")
        assert section.now.endswith(".")


def test_shares_are_those_of_the_decisions_that_had_a_choice(run, sections):
    drawn = [each["arm"] for each in lines(run / "decisions.jsonl") if not each["holdout"]]
    counted = {trace.name: sum(trace.y) for trace in sections["shares"].figure.data}
    assert counted == {arm: drawn.count(arm) for arm in ARMS}


def test_the_best_arm_is_named_with_its_interval(market, sections):
    assert re.match(r"free_shipping earned most .*: [\d.]+ \([\d.]+ to [\d.]+\)", sections["arms"].now)
    for trace in sections["arms"].figure.data:
        assert trace.x[0] == pytest.approx(market.arms.profit[trace.name].mean)
        assert trace.error_x.array[0] > 0.0


def test_regret_is_computed_from_the_true_values(sections):
    shown = sections["regret"].figure.data[1].y
    assert np.mean(shown[-10:]) < np.mean(shown[:10])
    assert sections["regret"].now.startswith("It went from ")


def test_the_curve_of_calibrated_probabilities_follows_the_diagonal():
    rng, calibration = np.random.default_rng(4), CalibrationCurve()
    for predicted in rng.random(5000):
        calibration.add(False, float(predicted), bool(rng.random() < predicted))
        calibration.add(True, float(predicted), bool(rng.random() < predicted / 2))
    section = calibration.section()
    _, untreated, treated = section.figure.data
    assert np.abs(np.array(untreated.x) - np.array(untreated.y)).max() < 0.07
    assert np.abs(np.array(treated.x) / 2 - np.array(treated.y)).max() < 0.07
    assert sum(untreated.customdata) == 5000
    assert section.now.startswith("Over 5,000 carts that no offer preceded, probabilities were 0.0")


def test_auc_in_bins_is_the_exact_one_within_a_thousandth():
    rng = np.random.default_rng(5)
    predicted = rng.beta(2, 3, 4000)
    abandoned = rng.random(4000) < predicted
    quality = ModelQuality()
    for at, (p, y) in enumerate(zip(predicted, abandoned, strict=True)):
        quality.add(60.0 * at, float(p), bool(y))
    assert quality.auc == pytest.approx(auc(predicted, abandoned), abs=1e-3)
    assert quality.loss / quality.count == pytest.approx(log_loss(predicted, abandoned))


def test_without_both_kinds_of_outcome_there_is_no_auc():
    assert binned_auc({(True, BINS - 1): 500.0, (False, 0): 3.0}, 30) is None
    assert binned_auc({(True, BINS - 1): 500.0, (False, 0): 30.0}, 30) == 1.0


def test_drifts_are_named_and_none_differs_from_no_monitoring(tmp_path, sections):
    assert sections["drift"].now == (
        "Drifts detected: 1, in base_rate. The latest: base_rate from 0.40 to 0.80, 2026-01-01 00:00."
    )
    words = {}
    for name, drifts in (("monitored", []), ("not monitored", None)):
        (market,) = gather(log(tmp_path / name, decisions=50, drifts=drifts))
        words[name] = market.drifts.section().now
    assert words == {
        "monitored": "No drift was detected.",
        "not monitored": "Whether there were drifts is not known: this log has no drifts.jsonl.",
    }


def test_the_effective_sample_size_is_that_of_the_weights(run, market, sections):
    drawn = [each for each in lines(run / "decisions.jsonl") if each["is_trainable"]]
    weights = np.array([1 / (3 * each["propensity"]) for each in drawn])
    assert market.overlap.uniform.size == pytest.approx(weights.sum() ** 2 / (weights**2).sum())
    assert (
        f"uniform: {market.overlap.uniform.size:,.0f} effective of {len(drawn)} decisions"
        in sections["overlap"].now
    )
    assert sections["sizes"].now == "Every arm has at least 100 effective decisions."


def test_arms_that_were_hardly_drawn_are_named(tmp_path):
    (market,) = gather(log(tmp_path, decisions=100))
    sizes = next(section for section in market.sections() if section.slug == "sizes")
    assert sizes.now.startswith("Fewer than 100 effective decisions: free_shipping, no_offer, ten_percent.")


def test_lift_is_over_a_week_of_each_visitor_once_enough_of_them_had_theirs(tmp_path):
    (market,) = gather(log(tmp_path, decisions=3000, every_s=600.0))
    lift = lift_over_time("default", market.columns)
    assert lift.horizon == "7 days"
    assert 10 < len(lift.profit) <= 120
    assert all(point.low < point.estimate < point.high for point in lift.profit)
    assert lift.profit[-1].low > 0.0
    week = read_lift(tmp_path)["default"].profit
    assert lift.profit[-1][1:] == (week.lift, week.lower, week.upper)
    assert "until then an offer that only" not in lift_sections(lift)[0].how


@pytest.mark.parametrize(("every_s", "over"), [(600.0, "1 day"), (60.0, "1 hour")])
def test_in_a_short_log_lift_is_over_a_shorter_time_with_a_note(tmp_path, every_s, over):
    (market,) = gather(log(tmp_path, every_s=every_s))
    lift = lift_over_time("default", market.columns)
    assert lift.horizon == over
    profit, conversion = lift_sections(lift)
    assert f"mean per visitor over {over} from the first decision on" in profit.how
    assert "until then an offer that only" in conversion.how


def test_few_orders_give_no_lift():
    found = lift_sections(lift_over_time("default", ExperimentColumns()))
    assert [each.figure for each in found] == [None, None]
    assert found[0].now.startswith(f"The lift is not known yet: it takes {START} visitors who ordered")


def test_a_log_of_one_decision_has_a_page(tmp_path):
    (market,) = gather(log(tmp_path, decisions=1, holdout=0.0))
    assert {section.slug for section in market.sections() if section.figure is not None} >= {
        "learning",
        "shares",
    }
    assert {verdict.level for verdict in market.verdicts()} <= {"unknown", "good"}


def test_more_arms_than_colours_are_merged():
    shares = ArmShares()
    for n in range(40):
        arm = f"a{n % 20}"
        shares.add(decision(n, 0.0, {arm: 1.0}, arm, held=False, no_offer="a0", share=None))
    traces = shares.section().figure.data
    assert len(traces) == 15
    assert sum(sum(trace.y) for trace in traces) == 40


def test_an_empty_log_has_a_page_without_plots(tmp_path):
    for name in ("decisions", "rewards", "outcomes"):
        write(tmp_path / f"{name}.jsonl", [])
    assert "nothing to show" in page("empty", gather(tmp_path))
    (tmp_path / "summary.json").write_bytes(b'{"holdout": {"default": 0.05}}')
    text = page("empty", gather(tmp_path))
    assert text.count("Nothing to draw yet.") == 10
    assert "No decision&#x27;s window has ended yet" in text


def test_markets_are_separate_and_linked(tmp_path):
    for market in ("uk", "de"):
        log(tmp_path / market, decisions=300, market=market, summary=False)
    for name in ("decisions", "rewards", "outcomes"):
        both = [each for market in ("uk", "de") for each in lines(tmp_path / market / f"{name}.jsonl")]
        write(tmp_path / f"{name}.jsonl", sorted(both, key=lambda each: each["at"]))
    markets = gather(tmp_path)
    assert [(market.name, market.overview.decisions) for market in markets] == [("de", 300), ("uk", 300)]
    text = page("both", markets)
    assert '<nav>Markets: <a href="#m0">de</a><a href="#m1">uk</a></nav>' in text
    assert "what was set is not known here" in text


def test_orders_that_never_joined_are_the_first_thing_on_the_page(tmp_path):
    log(tmp_path, decisions=80)
    figures = {"orders_seen": 1800.0, "orders_unattributed_share": 1.0, "unattributed_with_user": 1.0}
    summary = orjson.loads((tmp_path / "summary.json").read_bytes()) | {"markets": {"default": figures}}
    (tmp_path / "summary.json").write_bytes(orjson.dumps(summary))
    (market,) = gather(tmp_path)
    first = market.verdicts()[0]
    assert first.level == "bad"
    assert first.sentence == (
        "Orders come but do not join: 100% of the last ones met no visit, cart or decision. What they carry: "
        "user 100%. Does the clickstream ever name the `user_id`, as at a login?"
    )


def test_a_page_does_not_grow_with_the_log(tmp_path):
    sizes = [len(page("run", gather(log(tmp_path / str(n), decisions=n, every_s=7.0)))) for n in (500, 8000)]
    assert max(sizes) < 700_000
    assert sizes[1] - sizes[0] < 20_000


def test_the_page_loads_nothing(run):
    text = page("run", gather(run))
    assert "default-src 'none'" in text
    assert not re.findall(r"<(?:script|link|img|iframe)[^>]+(?:src|href)=", text)


def test_the_command_writes_the_page_and_prints_the_diagnosis(run, tmp_path, capsys):
    out = tmp_path / "page.html"
    assert main(["report", str(run), "--out", str(out)]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[-1] == str(out)
    assert printed[0].startswith("default: not known: What orders came is not known here")
    assert "default: good: Several arms are in use" in printed[2]
    assert out.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_visitors_of_one_unit_count_once_and_the_log_may_hold_the_configured_share(tmp_path):
    directory = log(tmp_path, decisions=900, summary=False)
    path = directory / "decisions.jsonl"
    configured = {"holdout_share": 0.2}
    write(path, [
        each | configured | {"unit_id": f"user:u{n // 3}",
                             "assignment": "holdout" if n // 3 % 5 == 0 else "policy"}
        for n, each in enumerate(lines(path))
    ])  # fmt: skip
    (market,) = gather(directory)
    assert len(market.diagnosis.diagnosis.balance.kept) == 300
    assert market.verdicts()[-1].sentence == (
        "The holdout is in balance: 20.0% of units are held out, set are 20.0% (p = 1)."
    )


def test_a_holdout_that_differs_from_the_configured_share_is_on_the_page(tmp_path):
    directory = log(tmp_path, decisions=2000, holdout=0.3, set_to=0.05)
    text = page("run", gather(directory))
    assert '<strong class="bad">wrong</strong><span>The holdout is out of balance' in text


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        ({"decisions.jsonl": None}, r"lacks decisions\.jsonl$"),
        (
            {"rewards.jsonl": b"{}\n"},
            r"rewards\.jsonl, line 1 must be a record as this version writes it; got: ",
        ),
        (
            {"outcomes.jsonl": b"\nnot json"},
            r"outcomes\.jsonl, line 1 must be a record as this version writes it",
        ),
        ({"summary.json": b"[]"}, r"summary\.json must be what replay wrote; got: "),
        ({"summary.json": b'{"holdout": {"default": "x"}}'}, r"summary\.json must be what replay wrote"),
    ],
)
def test_a_broken_log_is_refused(tmp_path, capsys, broken, words):
    log(tmp_path, decisions=3)
    for name, content in broken.items():
        if content is None:
            (tmp_path / name).unlink()
        else:
            (tmp_path / name).write_bytes(content)
    assert main(["report", str(tmp_path)]) == 2
    assert re.search(words, capsys.readouterr().err.strip())


def test_a_directory_of_runs_asks_for_one_of_them(tmp_path, capsys):
    for name in ("none", "uniform"):
        log(tmp_path / name, decisions=3)
    assert main(["report", str(tmp_path)]) == 2
    assert "it holds several runs, name one: none, uniform" in capsys.readouterr().err


def test_a_page_that_cannot_be_written_is_refused(tmp_path, capsys):
    log(tmp_path, decisions=3)
    assert main(["report", str(tmp_path), "--out", str(tmp_path / "no" / "page.html")]) == 2
    assert "--out must be a file that can be written; got " in capsys.readouterr().err


def test_too_many_markets_are_refused(tmp_path, capsys):
    log(tmp_path, decisions=3)
    (decision,) = lines(tmp_path / "decisions.jsonl")[:1]
    write(tmp_path / "decisions.jsonl", [decision | {"market": f"m{n}"} for n in range(60)])
    assert main(["report", str(tmp_path)]) == 2
    assert "must hold at most 50 markets; got more" in capsys.readouterr().err
