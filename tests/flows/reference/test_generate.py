"""The drawing shows the dataflow that runs, whole and in its direction; the tables show what the code has."""

import pytest
from bytewax import operators as op
from bytewax.dataflow import Dataflow
from bytewax.testing import TestingSink, TestingSource

from flows.cli import COMMANDS
from flows.reference import tables
from flows.reference.drawing import READER_NAMES, dataflow, drawing
from flows.reference.generate import filled, main
from flows.reference.prometheus_rule import ALERTS, RULE
from schemas.errors import SetupError
from schemas.topics import INPUTS, OUTPUTS


@pytest.fixture
def small():
    flow = Dataflow("small")
    read = op.input("read", flow, TestingSource([1]))
    sorted_out = op.branch("sorted_out", read, bool)
    both = op.merge("both", sorted_out.trues, sorted_out.falses)
    op.output("kept", both, TestingSink([]))
    return flow


NAMES = {"read": "all that comes", "sorted_out": "sorted out", "both": "together", "kept": "kept for good"}


def test_a_flow_is_drawn_from_its_source_to_its_sinks_under_its_readers_names(small):
    assert drawing(small, NAMES).splitlines() == [
        "flowchart LR",
        'read(["all that comes"])',
        'sorted_out["sorted out"]',
        'both["together"]',
        'kept(["kept for good"])',
        "read --> sorted_out",
        "sorted_out --> both",
        "both --> kept",
    ]


def test_a_step_that_only_passes_records_on_is_an_arrow(small):
    names = NAMES | {"sorted_out": None, "both": None}
    assert drawing(small, names).splitlines() == [
        "flowchart LR",
        'read(["all that comes"])',
        'kept(["kept for good"])',
        "read --> kept",
    ]


def test_a_step_that_readers_have_no_name_for_is_refused(small):
    names = {name: said for name, said in NAMES.items() if name not in {"both", "kept"}}
    with pytest.raises(
        SetupError, match=r"^every step of the dataflow must have a reader's name; got both, kept$"
    ):
        drawing(small, names)


def test_readers_have_no_name_for_a_step_that_is_gone():
    flow = dataflow()
    for gone in READER_NAMES:
        with pytest.raises(SetupError, match=f"got {gone}$"):
            drawing(flow, {name: said for name, said in READER_NAMES.items() if name != gone})


def arrows(drawn: str) -> list[tuple[str, str]]:
    return [tuple(line.split(" --> ")) for line in drawn.splitlines() if "-->" in line]


@pytest.mark.parametrize(
    "end", ["shop.offers", "shop.decisions", "shop.rejected", "feature store", "metrics"]
)
def test_every_stream_of_the_dataflow_leads_from_the_source_to_its_end(end):
    before = {to: from_ for from_, to in arrows(drawing(dataflow(), READER_NAMES))}
    (step,) = (name for name, said in READER_NAMES.items() if said == end)
    while step != "ingest":
        step = before[step]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_described_with_its_arguments_and_examples(command):
    (found,) = (
        each
        for each in tables.commands().split("\n## ")
        if each.removeprefix("## ").startswith(f"{command}\n")
    )
    assert "| argument |" in found
    assert f"```sh\nofferstream {command}" in found or f" offerstream {command}" in found
    assert "%(" not in found


def test_an_argument_is_spelled_as_its_help_spells_it():
    found = tables.commands()
    assert "| `--from {earliest,latest}` |" in found
    assert "| `--shoppers default\\|FILE` |" in found
    assert "| `--broken-checkout FROM TO` |" in found
    assert "| `--shadow` |" in found


def test_a_metric_is_named_as_prometheus_reads_it():
    found = tables.metrics()
    assert "| `offerstream_events_total{topic, outcome}` | counter |" in found
    assert "| `offerstream_seal_seconds` | histogram |" in found
    assert "process_" not in found


def test_every_topic_is_in_the_table():
    found = tables.topics()
    for row in (*INPUTS, *OUTPUTS):
        assert f"| `{row.topic}` | `{row.name}` |" in found


class Careful:
    """A policy.

    Parameters
    ----------
    floor
        Share of ``pull`` that is
        spread.
    patience
        How long it waits.
    """

    def __init__(self, *, seed=0, floor=0.1, patience=None):
        pass


class Bold:
    def __init__(self, *, seed=0, floor=0.2, haste=True):
        pass


class Calm(Careful):
    pass


def test_settings_of_policies_are_told_apart_where_they_differ(monkeypatch):
    monkeypatch.setattr(tables, "POLICIES", {"careful": Careful, "bold": Bold, "calm": Calm})
    assert tables.policies().splitlines()[2:] == [
        "| `floor` | `0.1`; `0.2` for `bold` | Share of `pull` that is spread. |",
        "| `patience` | `none` for `careful`, `calm` | How long it waits. |",
        "| `haste` | `true` for `bold` |  |",
    ]


def test_an_event_shows_its_own_fields():
    assert "| `order_completed` |" in tables.events()
    assert (
        "| `order_id`, `items` | `cart_id`, `checkout_id`, `currency`, `origin`, `offer_ids`,"
        in tables.events()
    )
    assert "visitor_id" not in tables.events()


def test_only_what_stands_between_the_markers_is_written_anew():
    text = "a\n<!-- generated: settings -->\nold\n<!-- end -->\nb\n"
    assert filled(text).startswith("a\n<!-- generated: settings -->\n| setting |")
    assert filled(text).endswith("|\n<!-- end -->\nb\n")
    assert filled(filled(text)) == filled(text)


@pytest.mark.parametrize("named", [[], ["docs/deep/page.md"]])
def test_documents_are_written_all_or_those_that_are_named(named, tmp_path, monkeypatch):
    (tmp_path / "docs/deep").mkdir(parents=True)
    (tmp_path / "README.md").write_text("nothing generated\n")
    page = tmp_path / "docs/deep/page.md"
    page.write_text("<!-- generated: events -->\n<!-- end -->\n")
    alerts, rule = tmp_path / ALERTS, tmp_path / RULE
    for path in (alerts, rule):
        path.parent.mkdir(parents=True)
    alerts.write_text("groups:\n  - name: a\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["generate", *named])
    main()
    assert rule.exists() == (not named)
    if not named:
        assert rule.read_text().endswith("spec:\n  groups:\n    - name: a\n")
    assert "`order_completed`" in page.read_text()
    assert (tmp_path / "README.md").read_text() == "nothing generated\n"
