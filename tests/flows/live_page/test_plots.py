"""The plots: where marks stand, and that words from outside stay words."""

import re

import pytest

from flows.live_page.view import plots


@pytest.mark.parametrize(
    ("low", "high"), [(0, 0), (0, 1), (-3.2, 7.9), (1234, 1235), (0.001, 0.0012), (-5, -4)]
)
def test_an_axis_holds_both_ends_with_a_few_round_ticks(low, high):
    found = plots.axis(low, high)
    assert found.low <= low <= high <= found.high
    assert 2 <= len(found.ticks) <= 7
    assert 0 <= found.at(low) <= found.at(high) <= 1


def test_a_line_goes_from_point_to_point_with_the_top_above():
    assert plots.line([(0, 0), (0.5, 1)], "policy") == '<path class="mark policy" d="M0.0 1000.0L500.0 0.0"/>'


def test_a_single_point_is_a_stroke_that_can_be_seen():
    assert plots.line([(1, 0.5)], "policy").count("L") == 1


def test_what_a_plot_is_described_with_stays_text():
    drawn = plots.plot("x", "<b>&", "", across=plots.grid(plots.axis(0, 1, 1), ["<i>", "1"]))
    assert "<b>" not in drawn
    assert "<i>" not in drawn
    assert "&lt;b&gt;&amp;" in drawn


def test_an_interval_that_leaves_the_axis_is_cut_at_its_end():
    drawn = plots.interval_bar(1, -99, 99, plots.axis(0, 2), "words")
    assert re.findall(r'class="reach" x1="([\d.]+)%" x2="([\d.]+)%"', drawn) == [("0.0", "100.0")]


def test_a_budget_is_never_more_than_full():
    drawn = plots.budget_bar(1.4, 1.2, 1.1, "words")
    assert set(re.findall(r'width="([\d.]+)%" height="16"', drawn)) == {"100", "100.0"}


def test_no_line_is_drawn_through_fewer_than_two_values():
    assert plots.sparkline([1.0], "words") == ""
    assert "M0.0" in plots.sparkline([1.0, 2.0], "words")


def test_an_arm_has_the_same_colour_whatever_was_chosen_most():
    assert plots.arm_kinds(["b", "no_offer", "a"]) == plots.arm_kinds(["a", "b"])
