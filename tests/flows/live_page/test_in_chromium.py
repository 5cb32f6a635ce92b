"""The page in a browser: no error, no empty plot, nothing found by axe, readable on a phone."""

import random
import threading
from importlib.resources import files

import pytest
import uvicorn
from prometheus_client import generate_latest

from flows.live_page.access import Access, Somebody
from flows.live_page.address import read_address
from flows.live_page.app import Page
from flows.live_page.listening import listen
from flows.live_page.reading import PageReader
from flows.live_page.view.seen import horizon_of
from flows.live_page.worker_figures import Health, Rate, WorkerFigures
from flows.observability.metrics import Metrics
from flows.observability.registry import Exposition
from flows.settings import read_settings
from schemas.dead_letters import dead_letter_headers
from schemas.message import Message
from tests.flows.live_page.page_records import became, change, decided, ended, offered, read, scored
from tests.flows.live_page.test_app import OFFERS, Control
from tests.flows.studies.report.test_in_chromium import COLOURED, ENOUGH
from tests.report_log import drift, outcome, reward

PLOTS = {"learning", "shares", "calibration"}
PLACES = """[...document.querySelectorAll('svg.plot, svg.budget, svg.interval, svg.spark')].map(plot => {
    const {left, top, width, height} = plot.getBoundingClientRect();
    return {name: plot.id.replace(/^plot-/, '') || plot.getAttribute('class'),
        marks: plot.querySelectorAll('.mark').length, area: [left + scrollX, top + scrollY, width, height]};
})"""
WIDTHS = [1280, 375]
AXE = (files("axe_core_python") / "axe.min.js").read_text(encoding="utf-8")


NOBODY_ELSE = Access((), "act")


class Served:
    """A page that has read a made-up shop, served from a thread."""

    def __init__(self, directory, access=NOBODY_ELSE):
        (directory / "offers.toml").write_text(OFFERS)
        self.reader = PageReader(read_settings(offers=directory / "offers.toml"), "http://127.0.0.1:9")
        self.reader.waits_for = None
        self.control = Control()
        app = Page(self.reader, access, self.control).app(is_local=True)
        self._socket = listen(read_address("127.0.0.1:0"))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/"
        config = uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=1)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True
        )
        self._thread.start()

    def close(self):
        self._server.should_exit = True
        self._thread.join(10)
        self._socket.close()


def everything(reader):
    """Let a page read a shop in which everything happened that it shows."""
    rng = random.Random(5)
    state, records = reader.state, []
    for n in range(600):
        arm = rng.choice(["no_offer", "ten_percent"])
        one = decided(n, 60.0 * n, arm, held=n % 20 < 2, removed={"five_off": "cooldown"})
        records += [one, reward(one, ordered=rng.random() < (0.1 if one.holdout else 0.3))]
        records += [outcome(one, (n % 10) / 10, abandoned=rng.random() < (n % 10) / 10, treated=False)]
        if arm == "ten_percent":
            records.append(offered(n, 60.0 * n))
            if n % 3:
                records.append(ended(n, ["redeemed", "expired", "revoked"][n % 4 % 3], 60.0 * n))
    read(
        state, *records, *(scored(f"c{n}", 36_000.0) for n in range(40)), became("c1"), drift(9, "base_rate")
    )
    state.add_control(change(1, set={"markets.default.holdout": 0.1}))
    state.add_control(change(2, set={"budgets.daily.amount": 400}, proposed=True))
    state.add_control(change(3, set={"markets.default.holdout": 2}))
    of = Message(b"x", topic="shop.events", partition=1, offset=42)
    state.add_rejected(
        Message(b"x", headers=dead_letter_headers(of, "invalid", "price must be a number", None).all())
    )
    reader.watch.figures = figures()
    reader._lifts["default"] = state.markets["default"].lift.lift(
        "default", horizon_of(state.shop, "default")
    )


def figures():
    """What a worker says of itself."""
    metrics = Metrics(lambda: 1.0)
    metrics.measured(
        "default/daily", {"amount": 300.0, "spent": 40.0, "used": 90.0, "made": 20, "elapsed": 0.4}
    )
    metrics.measured("default", {"updates": 900, "auc": 0.81, "calibration_error": 0.03, "base_rate": 0.5,
                                 "policy_updates": 900, "controls_version": 1})  # fmt: skip
    rates = tuple(Rate(float(n), 900 + 100 * (n % 3), 2 + n % 2) for n in range(30))
    health = Health("degraded", ("topic shop.events: 12 of 100 events of the last minute were rejected",))
    return WorkerFigures(Exposition(generate_latest(metrics.registry.prometheus).decode()), health, rates)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    served = Served(tmp_path_factory.mktemp("page"))
    everything(served.reader)
    yield served
    served.close()


def shown(chromium, url, width, *, dark=False):
    """Open a page and wait until its first parts have come."""
    chromium.visit(url, width, 800, dark=dark)
    chromium.until("document.documentElement.dataset.live === 'yes'")


def empty_ones(chromium):
    """The plots of the open page, those of them without a mark, and those without colour on the screen."""
    plots, image = chromium.run(PLACES), chromium.screenshot().astype(int)

    def coloured(area):
        left, top, width, height = (round(each) for each in area)
        part = image[top : top + height, left : left + width]
        return (part.max(axis=2) - part.min(axis=2) > COLOURED).sum()

    names = {plot["name"] for plot in plots}
    unmarked = {plot["name"] for plot in plots if not plot["marks"]}
    return names, unmarked, {plot["name"] for plot in plots if coloured(plot["area"]) <= ENOUGH}


@pytest.mark.parametrize("width", WIDTHS)
def test_every_plot_is_drawn_without_an_error(chromium, page, width):
    shown(chromium, page.url, width)
    assert empty_ones(chromium) == ({*PLOTS, "budget", "interval", "spark"}, set(), set())
    assert chromium.complaints() == []


def test_a_plot_without_marks_is_noticed(chromium, page):
    shown(chromium, page.url, 800)
    chromium.run(
        "document.querySelectorAll('#plot-learning .mark, #plot-learning .band').forEach(e => e.remove())"
    )
    _, unmarked, unseen = empty_ones(chromium)
    assert (unmarked, unseen) == ({"learning"}, {"learning"})


@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_is_never_wider_than_the_screen(chromium, page, width):
    for path in ("", "decisions/d599"):
        chromium.visit(f"{page.url}{path}", width, 800)
        assert chromium.run("document.documentElement.scrollWidth <= innerWidth")


def test_text_on_a_phone_is_large_enough_to_read_and_buttons_to_touch(chromium, page):
    shown(chromium, page.url, 375)
    sizes = chromium.run(
        "[...document.querySelectorAll('p, li, dd, dt, td, th, .plot text')]"
        ".filter(each => each.textContent.trim()).map(each => parseFloat(getComputedStyle(each).fontSize))"
    )
    assert len(sizes) > 100
    assert min(sizes) >= 11
    heights = chromium.run(
        "[...document.querySelectorAll('button')].map(e => e.getBoundingClientRect().height)"
    )
    assert min(heights) >= 24


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", WIDTHS)
def test_axe_finds_nothing(chromium, page, width, dark):
    for path in ("", "decisions/d599", "decisions/none"):
        chromium.visit(f"{page.url}{path}", width, 800, dark=dark)
        assert violations(chromium) == []


def test_axe_finds_nothing_where_people_log_in_or_are_asked(chromium, page, tmp_path):
    guarded = Served(tmp_path, Access([(Somebody("ann", "act"), "a" * 20)], "act"))
    chromium.visit(f"{guarded.url}login", 375, 800)
    assert violations(chromium) == []
    guarded.close()
    shown(chromium, page.url, 1280)
    chromium.write("#by", "ann")
    chromium.click("#b-kill")
    chromium.until("document.querySelector('#sure')")
    assert violations(chromium) == []


def violations(chromium):
    """What axe finds, also what it calls minor: its rule and the first place."""
    chromium.run(f"(() => {{ {AXE}; }})()")
    found = chromium.run("axe.run({resultTypes: ['violations']}).then(found => found.violations)")
    return [
        (each["id"], each["nodes"][0]["html"][:200], each["nodes"][0].get("failureSummary")) for each in found
    ]


def test_axe_notices_what_is_wrong(chromium, page):
    shown(chromium, page.url, 800)
    chromium.run("document.querySelector('#by').closest('label').replaceWith(document.querySelector('#by'))")
    assert "label" in {rule for rule, *_ in violations(chromium)}


def test_everything_can_be_reached_by_keyboard_and_shows_where_one_is(chromium, page):
    shown(chromium, page.url, 1280)
    seen = []
    while (seen or [("first", "")])[-1][0]:
        for kind in ("keyDown", "keyUp"):
            chromium("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9)
        seen.append(
            chromium.run(
                "(each => each === document.body ? ['', ''] : "
                "[each.textContent.trim().slice(0, 40) || each.name, getComputedStyle(each).outlineStyle]"
                ")(document.activeElement)"
            )
        )
    assert seen[0][0] == "Skip to the content"
    names = [name for name, _ in seen]
    assert {"by", "comment", "Pause ten percent", "Stop all offers in default"} <= set(names)
    assert [name for name, outline in seen if outline == "none"] == []


def test_what_changes_moves_neither_the_focus_nor_what_is_open(chromium, page):
    shown(chromium, page.url, 1280)
    chromium.run("document.querySelector('#b-ten_percent').focus()")
    chromium.run("document.querySelector('#learning-rows').open = true")
    read(page.reader.state, offered(9000, 36_000.0), reward(decided(9000, 36_000.0), ordered=True))
    before = chromium.run("document.querySelector('[data-part=tiles]').textContent")
    chromium.until(f"document.querySelector('[data-part=tiles]').textContent !== {before!r}")
    assert chromium.run("document.activeElement.id") == "b-ten_percent"
    assert chromium.run("document.querySelector('#learning-rows').open")


def test_a_lost_connection_is_said_and_mended(chromium, tmp_path):
    served = Served(tmp_path)
    shown(chromium, served.url, 800)
    served.close()
    chromium.until("document.querySelector('#said').textContent.includes('connection to this page is lost')")


def test_without_scripts_all_of_it_is_there(chromium, page):
    chromium("Network.setBlockedURLs", urls=["*page.js"])
    chromium.visit(page.url, 375, 800)
    chromium("Network.setBlockedURLs", urls=[])
    assert chromium.run("document.documentElement.dataset.live") is None
    assert empty_ones(chromium)[1:] == (set(), set())
