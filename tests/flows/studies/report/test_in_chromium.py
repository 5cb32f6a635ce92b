"""The report in a browser without a network: no error, no empty plot, readable on a phone."""

import pytest

from flows.studies.report.gather import gather
from flows.studies.report.page import page, section
from flows.studies.report.plots import Plots
from flows.studies.report.style import Section, figure
from tests.report_log import log

PLOTS = """[...document.querySelectorAll('.plotly-graph-div')].map(plot => ({
    name: plot.id.replace(/^plot-m0-/, ''),
    marks: plot.querySelectorAll(
        '.trace path.js-line, .trace path.js-fill, .trace .points path, .trace .point path').length,
    areas: Object.values(plot._fullLayout._plots).map(({xaxis, yaxis}) => {
        const {left, top} = plot.getBoundingClientRect();
        return [left + scrollX + xaxis._offset, top + scrollY + yaxis._offset, xaxis._length, yaxis._length];
    }),
}))"""
EVERY_PLOT = {
    *("learning", "regret", "lift-profit", "lift-conversion", "shares", "arms"),
    *("calibration", "quality", "drift", "overlap", "sizes", "parity-device"),
}
COLOURED = 60
"""How far apart the channels of a pixel are that is no text, no axis and no grid."""
ENOUGH = 30


def coloured(image, area):
    """How many pixels of an area are in the colour of a mark."""
    left, top, width, height = (round(each) for each in area)
    part = image[top : top + height, left : left + width].astype(int)
    return int((part.max(axis=2) - part.min(axis=2) > COLOURED).sum())


def empty_ones(chromium):
    """The plots of the open page without marks in the document, and those without any on the screen."""
    plots, image = chromium.run(PLOTS), chromium.screenshot()
    unmarked = {plot["name"] for plot in plots if not plot["marks"]}
    unseen = {
        plot["name"] for plot in plots if not all(coloured(image, area) > ENOUGH for area in plot["areas"])
    }
    return {plot["name"] for plot in plots}, unmarked, unseen


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """The page of a run in which everything happened."""
    directory = log(tmp_path_factory.mktemp("run"), drifts=["log_loss", "feature:device"], truths=True)
    path = directory / "report.html"
    path.write_text(page("run", gather(directory)), encoding="utf-8")
    return path


@pytest.mark.parametrize("width", [1280, 375])
def test_every_plot_is_drawn_without_an_error(chromium, report, width):
    chromium.open(report, width, 800)
    assert empty_ones(chromium) == (EVERY_PLOT, set(), set())
    assert chromium.complaints() == []
    assert chromium.run("document.documentElement.scrollWidth <= innerWidth")
    assert chromium.run(
        "[...document.querySelectorAll('.plot')].every(plot => plot.scrollWidth <= innerWidth)"
    )


def test_text_on_a_phone_is_large_enough_to_read(chromium, report):
    chromium.open(report, 375, 800)
    sizes = chromium.run(
        "[...document.querySelectorAll('p, li, dd, .xtick text, .ytick text, .legendtext')]"
        ".map(each => parseFloat(getComputedStyle(each).fontSize))"
    )
    assert len(sizes) > 100
    assert min(sizes) >= 11


def test_a_plot_without_marks_is_noticed(chromium, tmp_path, report):
    drawn = [{"x": [1, 2, 3], "y": [1, 3, 2], "mode": "lines"}, {"x": [], "y": [], "mode": "lines"}]
    plots = Plots()
    parts = "".join(
        section(
            f"m0-{name}",
            Section(name, name, "", "", figure({"type": "scatter", **trace}, showlegend=True)),
            plots,
        )
        for name, trace in zip(("full", "empty"), drawn, strict=True)
    )
    head, _, _ = report.read_text(encoding="utf-8").partition("<body>")
    path = tmp_path / "page.html"
    path.write_text(f"{head}<body><main>{parts}</main>{plots.scripts()}</body></html>", encoding="utf-8")
    chromium.open(path, 800, 800)
    assert empty_ones(chromium) == ({"full", "empty"}, {"empty"}, {"empty"})


def test_an_error_in_the_page_and_a_request_to_the_network_are_noticed(chromium, tmp_path):
    path = tmp_path / "page.html"
    path.write_text("<script src='https://cdn.example/x.js'></script><script>nothing.there()</script>")
    chromium.open(path, 800, 800)
    complaints = " ".join(chromium.complaints())
    assert "asked for https://cdn.example/x.js" in complaints
    assert "nothing is not defined" in complaints


def test_names_from_the_data_stay_text(chromium, tmp_path):
    evil = "</script><script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\">"
    arms = ("no_offer", evil, "<b>bold</b>")
    directory = log(tmp_path / "run", arms=arms, drifts=[f"feature:{evil}"], truths=True)
    path = directory / "report.html"
    path.write_text(page(evil, gather(directory)), encoding="utf-8")
    chromium.open(path, 800, 800)
    assert chromium.complaints() == []
    assert chromium.run("document.title").startswith("offerstream report: </script>")
    assert chromium.run("document.querySelectorAll('img, main b, main a[href^=java]').length") == 0
    assert "<b>bold</b>" in chromium.run("[...document.querySelectorAll('.ytick')].map(t => t.textContent)")
