"""Who may see the page and act on it, and where it listens."""

import pytest

from flows.live_page.access import Somebody, read_access
from flows.live_page.address import read_address
from flows.live_page.installed import check_installed
from flows.live_page.listening import listen
from flows.live_page.sessions import LASTS_S, MOST, Sessions
from schemas.errors import SetupError

HERE, EVERYWHERE = read_address("8464"), read_address("0.0.0.0:8464")
TOKENS = "# who\nact ann 0123456789abcdef\n\nread the board fedcba9876543210\n"


@pytest.fixture
def tokens(tmp_path):
    path = tmp_path / "tokens"
    path.write_text(TOKENS)
    return path


@pytest.mark.parametrize(
    ("text", "is_loopback"),
    [("8464", True), ("localhost:1", True), ("127.0.0.9:1", True), ("[::1]:1", True), ("0.0.0.0:1", False),
     ("10.0.0.1:1", False), ("shop.example:1", False), ("[::]:1", False)],
)  # fmt: skip
def test_only_loopback_is_this_machine_alone(text, is_loopback):
    assert read_address(text).is_loopback is is_loopback


@pytest.mark.parametrize("text", ["", "localhost", "a b:1", "127.0.0.1:70000", "http://x:1", "::1:1"])
def test_an_address_that_is_none_is_refused(text):
    with pytest.raises(SetupError, match=r"UI must be an address like `127\.0\.0\.1:8464`; got"):
        read_address(text)


def test_the_url_is_one_that_a_browser_of_this_machine_can_open():
    assert EVERYWHERE.url(99) == "http://127.0.0.1:99/"
    assert read_address("[::1]:80").url() == "http://[::1]:80/"


def test_on_this_machine_nobody_needs_a_token_and_all_have_the_role_that_is_set():
    assert read_access(HERE, None, "act").anybody() == Somebody(None, "act")
    assert not read_access(HERE, None, "read").anybody().may_act


def test_elsewhere_a_token_is_needed():
    with pytest.raises(
        SetupError, match=r"UI_TOKENS must name a file .* where the page listens on 0\.0\.0\.0"
    ):
        read_access(EVERYWHERE, None, "read")


def test_a_token_has_a_name_and_a_role(tokens):
    access = read_access(EVERYWHERE, tokens, "act")
    assert access.anybody() is None
    assert access.of_token("0123456789abcdef") == Somebody("ann", "act")
    assert access.of_token("fedcba9876543210") == Somebody("the board", "read")
    assert access.of_token("0123456789abcdeg") is None
    assert access.of_token("") is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "must have a token, `act ann TOKEN`"),
        ("act ann", "must have lines like `act ann TOKEN`.*line 1 of .*tokens is none"),
        ("own ann 0123456789abcdef", "must have lines like"),
        ("act ann short", "must have tokens of at least 16 characters; line 1"),
    ],
)
def test_a_file_of_tokens_that_is_none_is_refused_without_showing_them(tokens, text, words):
    tokens.write_text(text)
    with pytest.raises(SetupError, match=words) as refused:
        read_access(HERE, tokens, "act")
    assert "0123456789abcdef" not in str(refused.value)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(SetupError, match="UI_TOKENS must be a file that can be read; got"):
        read_access(HERE, tmp_path / "none", "act")


def test_a_session_ends_by_itself_and_when_it_is_ended():
    now_s = 0.0
    sessions = Sessions(lambda: now_s)
    ann = Somebody("ann", "act")
    one, other = sessions.begin(ann), sessions.begin(ann)
    assert sessions.of(one) == ann
    sessions.end(one)
    assert sessions.of(one) is None
    now_s = LASTS_S + 1
    assert sessions.of(other) is None
    assert sessions.of("made up") is None


def test_sessions_are_bounded():
    sessions = Sessions()
    first = sessions.begin(Somebody("ann", "act"))
    for _ in range(MOST):
        sessions.begin(Somebody("ben", "read"))
    assert sessions.of(first) is None


def test_a_port_that_is_taken_stops_the_start():
    with listen(read_address("127.0.0.1:0")) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SetupError, match=f"can listen on; got 127.0.0.1:{port}"):
            listen(read_address(f"127.0.0.1:{port}"))


def test_a_host_that_is_not_there_stops_the_start():
    with pytest.raises(SetupError, match=r"can listen on; got 192\.0\.2\.1:0"):
        listen(read_address("192.0.2.1:0"))


def test_missing_packages_are_named_with_the_way_to_get_them(monkeypatch):
    monkeypatch.setattr("flows.live_page.installed.find_spec", lambda _: None)
    with pytest.raises(SetupError, match=r"starlette, uvicorn, jinja2: pip install 'offerstream\[ui\]'"):
        check_installed()
