"""The page over HTTP: what is shown, who may act, and what another site cannot do."""

import re

import pytest
from starlette.testclient import TestClient

from flows.live_page.access import Access, Somebody
from flows.live_page.app import Page
from flows.live_page.reading import PageReader
from flows.live_page.rendering import PARTS
from flows.settings import read_settings
from flows.studies.explain.decision_story import DecisionStory
from flows.studies.explain.explained import explained
from flows.studies.explain.removal_words import removal_words
from flows.studies.explain.text import as_html
from schemas.errors import BrokerError
from tests.flows.live_page.page_records import change, decided, ended, offered, read, scored
from tests.report_log import drift, reward

HOME = "http://127.0.0.1:8464"
OFFERS = """
[markets.default]
margin_rate = 0.4
timezone = "Europe/Berlin"

[budgets.daily]
amount = 300
by = "day"

[[offers]]
name = "ten_percent"
kind = "percent_off"
value = 10
channel = "on_site"
max_discount = 20
expires_after = "20m"
reward_window = "30m"
"""
ANN, BOARD = Somebody("ann", "act"), Somebody("board", "read")
TOKENS = ((ANN, "a" * 20), (BOARD, "b" * 20))


class Control:
    """Where changes go: nowhere but a list."""

    def __init__(self):
        self.sent = []
        self.error = None

    def send(self, record):
        if self.error is not None:
            raise self.error
        self.sent.append(record)


class Site:
    """A page, and a browser at it."""

    def __init__(self, tmp_path, access, *, is_local=True):
        (tmp_path / "offers.toml").write_text(OFFERS)
        settings = read_settings(offers=tmp_path / "offers.toml")
        self.reader = PageReader(settings, "http://127.0.0.1:9")
        self.reader.waits_for = None
        self.control = Control()
        self.app = Page(self.reader, access, self.control).app(is_local=is_local)
        self.client = TestClient(self.app, HOME, follow_redirects=False)

    def act(self, do, *, client=None, origin=HOME, **form):
        return (client or self.client).post(
            "/act", data={"do": do, "by": "ann", "market": "default", **form}, headers={"Origin": origin}
        )


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path, Access((), "act"))


@pytest.fixture
def guarded(tmp_path):
    return Site(tmp_path, Access(TOKENS, "act"), is_local=False)


def logged_in(site, token):
    client = TestClient(site.app, HOME, follow_redirects=False)
    assert client.post("/login", data={"token": token}, headers={"Origin": HOME}).status_code == 303
    return client


# What is shown


def test_a_page_that_has_read_nothing_says_so_in_every_part(site):
    html = site.client.get("/").text
    for words in (
        "Nobody&#39;s time of 30 minutes after a first choice is over yet",
        "No decision had a choice yet",
        "No window of a decision has ended yet",
        "not answering",
        "Nothing was refused",
        "Nobody has changed anything",
        "What it has used is not known yet",
        "No decision was read yet",
    ):
        assert words in html


def test_what_was_read_is_shown_with_currency_interval_and_local_time(site):
    records = []
    for n in range(200):
        one = decided(n, 60.0 * n, held=n % 10 == 0)
        records += [one, reward(one, ordered=n % 3 == 0)]
    read(site.reader.state, *records, offered(0), offered(1), ended(0), scored(), drift(3, "base_rate"))
    html = site.client.get("/").text
    assert re.search(r"A decision of the policy earned €6\.\d\d so far \(95 % interval €\d", html)
    assert "the share of carts that are left went from 0.40 to 0.80" in html
    assert "does the checkout work?" in html
    assert "1 offer is open" in html
    assert "CET" in html
    assert html.count('class="plot"') == 2


def test_names_of_the_data_stay_text(site):
    evil = "<script>alert(1)</script>"
    read(site.reader.state, decided(0, visitor_id=evil, unit_id=f"visitor:{evil}"))
    for path in ("/", "/decisions/d0"):
        html = site.client.get(path).text
        assert evil not in html
        assert "&lt;script&gt;alert(1)" in html


def test_a_decision_is_explained_as_the_command_explains_it(site):
    one = decided(4, removed={"five_off": "cooldown", "gift": "cooldown"})
    read(site.reader.state, one, offered(4), ended(4), reward(one, ordered=True))
    html = site.client.get("/decisions/d4").text
    story = DecisionStory(one, offered(4), ended(4), (reward(one, ordered=True),), None, [one])
    assert as_html(explained(story, site.reader.state.shop)) in html
    assert removal_words("cooldown") in html
    assert "80.00" in html


def test_a_decision_that_is_not_known_is_not_found(site):
    answer = site.client.get("/decisions/none")
    assert answer.status_code == 404
    assert "not among the latest ones" in answer.text


def test_parts_are_streamed_when_they_change(site):
    with site.client, site.client.stream("GET", "/events") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        line = next(line for line in answer.iter_lines() if line.startswith("data: "))
        assert '"tiles"' in line


def test_what_cannot_be_rendered_once_is_rendered_again(site, monkeypatch):
    usual, fails = PARTS["tiles"], [ZeroDivisionError] * 3

    def tiles(seen):
        if fails:
            raise fails.pop()
        return usual(seen)

    monkeypatch.setattr("flows.live_page.streams.EVERY_S", 0.01)
    with site.client, site.client.stream("GET", "/events") as answer:
        lines = (line for line in answer.iter_lines() if line.startswith("data: "))
        assert '"tiles"' in next(lines)
        monkeypatch.setitem(PARTS, "tiles", tiles)
        read(site.reader.state, scored())
        assert '"tiles"' in next(lines)
    assert fails == []


# What is done


def test_a_button_sends_the_record_that_the_command_line_sends(site):
    answer = site.act("pause ten_percent", comment="on coupon sites")
    (sent,) = site.control.sent
    assert (sent.type, sent.set, sent.by, sent.comment) == (
        "change", {"offers.ten_percent.paused": True}, "ann", "on coupon sites",
    )  # fmt: skip
    assert answer.headers["location"] == f"/?market=default&sent={sent.id}#changes"


def test_what_is_stopped_or_rolled_out_is_asked_about_first(site):
    asked = site.act("kill default")
    assert "Are you sure?" in asked.text
    assert site.control.sent == []
    site.act("kill default", sure="yes")
    site.act("stage default shadow", sure="yes")
    assert [each.set for each in site.control.sent] == [
        {"markets.default.killed": True}, {"markets.default.rollout.stage": "shadow"},
    ]  # fmt: skip


def test_what_was_stopped_can_be_started_again(site):
    site.reader.state.add_control(
        change(1, set={"markets.default.killed": True, "offers.ten_percent.paused": True})
    )
    html = site.client.get("/").text
    assert "Make offers again in default" in html
    site.act("revive default", sure="yes")
    site.act("resume ten_percent")
    assert [each.set for each in site.control.sent] == [
        {"markets.default.killed": None}, {"offers.ten_percent.paused": None},
    ]  # fmt: skip


def test_a_proposal_is_approved_by_another_name_only(site):
    site.reader.state.add_control(change(1, by="Ann", set={"killed": True}, proposed=True))
    assert "Somebody else must approve it" in site.act("approve c-1").text
    site.act("approve c-1", by="bob")
    site.act("withdraw c-1")
    assert [(each.type, each.change, each.by) for each in site.control.sent] == [
        ("approval", "c-1", "bob"), ("withdrawal", "c-1", "ann"),
    ]  # fmt: skip
    assert "no longer open" in site.act("approve c-9").text


@pytest.mark.parametrize(
    ("do", "form", "words"),
    [
        ("pause ten_percent", {"by": "  "}, "Say who you are"),
        ("pause none", {}, "OFFER must be one of ten_percent"),
        ("resume ten_percent", {}, "That is so already"),
        ("stage default everywhere", {"sure": "yes"}, "no such button"),
        ("stage default rule", {"sure": "yes"}, "stage rule must come with rule"),
        ("", {}, "no such button"),
    ],
)
def test_what_cannot_be_is_refused_in_words(site, do, form, words):
    answer = site.act(do, **form)
    assert answer.status_code == 400
    assert words in answer.text
    assert site.control.sent == []


def test_a_broker_that_does_not_answer_is_said(site):
    site.control.error = BrokerError("the broker is away")
    answer = site.act("pause ten_percent")
    assert (answer.status_code, "the broker is away" in answer.text) == (503, True)


# Who may


def test_without_a_token_nothing_is_shown(guarded):
    assert guarded.client.get("/").headers["location"] == "/login"
    for path in ("/events", "/decisions/d0"):
        assert guarded.client.get(path).status_code == 401
    assert guarded.act("pause ten_percent").status_code == 401
    assert guarded.client.get("/healthz").status_code == 200


def test_a_wrong_token_is_refused(guarded, monkeypatch):
    monkeypatch.setattr("flows.live_page.app.WRONG_TOKEN_S", 0.0)
    answer = guarded.client.post("/login", data={"token": "c" * 20}, headers={"Origin": HOME})
    assert answer.status_code == 401
    assert "no token of this page" in answer.text


def test_who_may_act_does_so_under_the_name_of_the_token(guarded):
    client = logged_in(guarded, "a" * 20)
    assert "You are <strong>ann</strong>" in client.get("/").text
    guarded.act("pause ten_percent", client=client, by="somebody else")
    assert guarded.control.sent[0].by == "ann"


def test_who_may_only_read_has_no_buttons_and_cannot_act(guarded):
    client = logged_in(guarded, "b" * 20)
    html = client.get("/").text
    assert 'name="do"' not in html
    assert "read only" in html
    assert guarded.act("pause ten_percent", client=client).status_code == 403
    assert guarded.control.sent == []


def test_everybody_may_only_read_where_that_is_set(tmp_path):
    site = Site(tmp_path, Access((), "read"))
    assert 'name="do"' not in site.client.get("/").text
    assert site.act("pause ten_percent").status_code == 403


def test_a_program_sends_its_token_with_each_request(guarded):
    headers = {"Authorization": f"Bearer {'a' * 20}", "X-Offerstream": "a script"}
    assert guarded.client.get("/", headers=headers).status_code == 200
    answer = guarded.client.post("/act", data={"do": "pause ten_percent"}, headers=headers)
    assert answer.status_code == 303
    assert guarded.client.get("/", headers={"Authorization": "Bearer nobody"}).status_code == 303


def test_after_logging_out_the_session_is_over(guarded):
    client = logged_in(guarded, "a" * 20)
    cookie = client.cookies["offerstream_page"]
    client.post("/logout", headers={"Origin": HOME})
    assert client.get("/", headers={"Cookie": f"offerstream_page={cookie}"}).status_code == 303


def test_the_cookie_is_for_this_site_and_no_script(guarded):
    answer = guarded.client.post("/login", data={"token": "a" * 20}, headers={"Origin": HOME})
    assert {"HttpOnly", "SameSite=strict"} <= set(answer.headers["set-cookie"].split("; "))


# What another site cannot do


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": HOME, "Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_form_of_another_site_is_refused(site, headers):
    answer = site.client.post("/act", data={"do": "pause ten_percent", "by": "eve"}, headers=headers)
    assert answer.status_code == 403
    assert site.control.sent == []


def test_a_foreign_name_that_leads_to_this_machine_is_refused(site):
    assert site.client.get("/", headers={"Host": "evil.example:8464"}).status_code == 403
    assert site.client.get("/", headers={"Host": "localhost:8464"}).status_code == 200


def test_a_form_is_no_longer_than_a_form_is(site):
    assert site.act("pause ten_percent", comment="x" * 20_000).status_code == 403


@pytest.mark.parametrize("path", ["/", "/static/page.css", "/none", "/decisions/none"])
def test_every_answer_says_what_a_browser_may_do_with_it(site, path):
    headers = site.client.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"


def test_the_page_needs_no_other_host_and_no_inline_script_or_style(site):
    html = site.client.get("/").text
    assert not re.search(r"""(?:src|href)=["'](?:https?:)?//""", html)
    assert not re.search(r"<script(?![^>]*src=)|<style| style=| on\w+=", html)
