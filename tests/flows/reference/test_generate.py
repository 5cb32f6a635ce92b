"""The drawing shows the dataflow that runs, whole and in its direction."""

import pytest
from bytewax import operators as op
from bytewax.dataflow import Dataflow
from bytewax.testing import TestingSink, TestingSource

from flows.reference.generate import drawing, filled, page


def test_a_flow_is_drawn_from_its_source_to_its_sinks():
    flow = Dataflow("small")
    read = op.input("read", flow, TestingSource([1]))
    sorted_out = op.branch("sorted_out", read, bool)
    both = op.merge("both", sorted_out.trues, sorted_out.falses)
    op.output("kept", both, TestingSink([]))
    assert drawing(flow).splitlines() == [
        "flowchart LR",
        'read(["read"])',
        'sorted_out{{"sorted_out"}}',
        'both["both"]',
        'kept(["kept"])',
        "read --> sorted_out",
        "sorted_out --> both",
        "sorted_out --> both",
        "both --> kept",
    ]


def arrows(drawn: str) -> list[tuple[str, str]]:
    return [tuple(line.split(" --> ")) for line in drawn.splitlines() if "-->" in line]


@pytest.mark.parametrize("end", ["offers", "decisions", "rejected", "features", "figures"])
def test_every_stream_of_the_page_leads_from_the_source_to_its_end(end):
    before = {to: from_ for from_, to in arrows(drawing(page()))}
    step = end
    while step != "ingest":
        step = before[step]


def test_only_what_stands_between_the_markers_is_written_anew():
    text = "a\n<!-- generated: settings -->\nold\n<!-- end -->\nb\n"
    assert filled(text).startswith("a\n<!-- generated: settings -->\n| setting |")
    assert filled(text).endswith("|\n<!-- end -->\nb\n")
    assert filled(filled(text)) == filled(text)
