"""Decisions are explained and reported straight from the topics, in which others may write as well."""

import json

import pytest

from flows.cli import main
from schemas.records import encode
from tests.broker.driving import produce
from tests.flows.studies.explain.stories import made, other, outcome, redeemed, reward, story

pytestmark = pytest.mark.broker


@pytest.fixture
def topics(cluster, make_topic):
    """The arguments that name a broker with topics in which a decision and what followed from it stand."""
    names = {stream: make_topic(2, stream) for stream in ("offers", "decisions", "rejected")}
    others = [other(number) for number in range(5)]
    written = {"decisions": [*others, story().decision, reward(), outcome()], "offers": [made(), redeemed()]}
    for stream, records in written.items():
        for record in records:
            kind = getattr(record, "type", None) or record.__struct_config__.tag
            headers = [("ce_id", record_id(record).encode()), ("ce_type", kind.encode())]
            produce(cluster, names[stream], [encode(record)], 1, headers=headers)
        produce(cluster, names[stream], [b"of somebody else"])
    pairs = ",".join(f"{stream}={name}" for stream, name in names.items())
    return ["--bootstrap", cluster.bootstrap, "--set", f"topics={pairs}"]


def record_id(record):
    names = ("id", "reward_id", "outcome_id", "decision_id")
    return next(getattr(record, name) for name in names if hasattr(record, name))


def test_a_decision_is_explained_from_the_topics(topics, capsys):
    assert main(["explain", "dda7873c0e884161b23b5c63", *topics, "--since", "1d", "--json", "-"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["moment"]["currency"] == "GBP"
    assert found["reward"]["profit"] == reward().profit
    assert {each["what"] for each in found["happened"]} >= {
        "published",
        "shown",
        "redeemed",
        "ordered",
        "cart",
    }
    assert found["similar"]["of"] == 5
    assert main(["explain", "nobody", *topics]) == 2
    assert "look further back with --since" in capsys.readouterr().err


def test_the_topics_are_reported(topics, tmp_path, capsys):
    path = tmp_path / "page.html"
    assert main(["report", *topics, "--out", str(path), "--json", str(tmp_path / "figures.json")]) == 0
    assert str(path) in capsys.readouterr().out
    assert "<h2>Market uk</h2>" in path.read_text()
    figures = json.loads((tmp_path / "figures.json").read_text())["uk"]
    assert figures["figures"]["decisions"] == "6"
    assert figures["parity"]["device"]["mobile"]["decisions"] == 6
    assert main(["report", str(tmp_path), *topics]) == 2
    assert "report reads DIR or the topics, not both" in capsys.readouterr().err
