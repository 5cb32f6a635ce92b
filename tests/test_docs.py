"""What the documents say can be done, can be done: links, make targets, commands, events."""

import json
import re
import tomllib
from pathlib import Path

import pytest

from flows.assembly import reader_of, stations_of
from flows.cli import main
from flows.local.in_process import InProcessDataflow
from flows.reference.generate import filled
from flows.settings import PREFIX, Settings
from flows.stores.ledger import Ledgers
from schemas.adapters import decoder
from schemas.decisions import read_decision_record
from schemas.events import EVENTS, Event
from schemas.message import Message
from schemas.offers import read_offer_record
from schemas.shop import Shop
from tests.builders import MAX_EVENT_BYTES
from tests.flows.observability.test_deploy import SERIES

ROOT = Path(__file__).parents[1]
DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
TEXTS = {path.relative_to(ROOT).as_posix(): path.read_text() for path in DOCUMENTS}
README = TEXTS["README.md"]
each_document = pytest.mark.parametrize("name", TEXTS)


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def commands(text: str) -> list[str]:
    """Every line of a shell block and every piece of inline code."""
    prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    shell = "".join(blocks(text, "(?:sh|bash|console|shell)")).splitlines()
    return [line.removeprefix("$ ") for line in shell] + re.findall(r"`([^`\n]+)`", prose)


@each_document
def test_every_link_to_a_file_leads_somewhere(name):
    for target in re.findall(r"\]\((?!\w+:|#)([^)#\s]+)", TEXTS[name]):
        assert (ROOT / name).parent.joinpath(target).exists(), target


@each_document
def test_every_make_target_is_in_the_makefile(name):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    said = {match[1] for line in commands(TEXTS[name]) if (match := re.match(r"make ([a-z-]+)", line))}
    assert said <= targets


@each_document
def test_every_command_is_one_of_the_command_line(name, monkeypatch, capsys):
    said = {
        match[1]
        for line in commands(TEXTS[name])
        if (match := re.match(r"(?:\.venv/bin/)?offerstream ([a-z]+)", line))
    }
    if said:
        monkeypatch.setattr("sys.argv", ["offerstream", "--help"])
        with pytest.raises(SystemExit):
            main()
        assert said <= set(re.findall(r"[a-z]+", capsys.readouterr().out))


@each_document
def test_every_event_shown_is_one_the_worker_takes(name):
    for block in blocks(TEXTS[name], "jsonl?"):
        values = [json.loads(block)] if block.count("\n{") == 0 else map(json.loads, block.splitlines())
        for value in values:
            if "visitor_id" in value and "type" in value and "decision_id" not in value:
                EVENTS.validate_json(json.dumps(value))


def events_shown(text: str) -> list[tuple[str, str]]:
    """The format and the line of every event in a block that is marked so."""
    marked = re.findall(r"^<!-- events: (\w+) -->\n```jsonl?\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [(form, line) for form, block in marked for line in block.splitlines()]


def records_shown(text: str) -> dict[str, dict]:
    """Every JSON block that is no event, by its type."""
    unmarked = re.sub(r"^<!-- events: .*?^```\w+\n.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    records = [json.loads(block) for block in blocks(unmarked, "json")]
    return {record["type"]: record for record in records}


@each_document
def test_every_line_marked_as_an_event_is_decoded_in_its_format(name):
    for form, line in events_shown(TEXTS[name]):
        decoder(form, MAX_EVENT_BYTES)(Message(line.encode()))


def test_the_readme_shows_every_kind_of_event():
    kinds = {kind.__name__ for kind in Event.__args__[0].__args__}
    events = [EVENTS.validate_json(line) for form, line in events_shown(README) if '"specversion"' not in line
              and form == "native"]  # fmt: skip
    assert {type(event).__name__ for event in events} == kinds


@each_document
def test_every_record_shown_is_one_the_worker_may_write(name):
    for kind, record in records_shown(TEXTS[name]).items():
        read = read_offer_record if kind.startswith("offer.") else read_decision_record
        read(json.dumps(record).encode())


def test_what_the_readme_shows_as_said_follows_from_the_events_it_shows():
    settings = Settings()
    shop = settings.shop()
    reader = reader_of(settings, shop, settings.format_of, None, ordered=True)("readme/0000", None)
    dataflow = InProcessDataflow(stations_of(settings, shop, ["readme/0000"], Ledgers().of, ordered=True))
    story = [line for form, line in events_shown(README) if form == "native" and '"specversion"' not in line]
    messages = [Message(line.encode(), offset=at) for at, line in enumerate(story)]
    said = [*dataflow.process(reader.read(messages, None))[0], *dataflow.process(reader.end())[0]]
    found = {each.type: json.loads(each.value) for each in said}
    shown = records_shown(README)
    assert shown.keys() == {"offer.decided", "decision", "reward"}
    for kind, record in shown.items():
        assert plain(found[kind]) == pytest.approx(plain(record))


def plain(value, path=""):
    """The leaves of a record by their path."""
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        return {where: leaf for key, inner in items for where, leaf in plain(inner, f"{path}.{key}").items()}
    return {path: value}


@each_document
def test_what_is_generated_is_up_to_date(name):
    assert filled(TEXTS[name]) == TEXTS[name], f"run: python -m flows.reference.generate {name}"


def test_the_readme_has_the_drawing_and_the_settings():
    assert set(re.findall(r"<!-- generated: (\w+) -->", README)) == {"drawing", "settings"}


@each_document
def test_every_metric_named_is_one_the_worker_has(name):
    known = SERIES.keys() | {series.removesuffix("_count") for series in SERIES}
    assert set(re.findall(r"`(offerstream_[a-z_]+[a-z])", TEXTS[name])) <= known


@each_document
def test_every_setting_named_in_a_toml_file_is_one(name):
    for block in blocks(TEXTS[name], "toml"):
        given = tomllib.loads(block)
        if "markets" in given or ("offers" in given and isinstance(given["offers"], list)):
            Shop.model_validate(given)
        else:
            assert given.keys() <= Settings.model_fields.keys()


@each_document
def test_every_variable_named_is_a_setting_or_one_of_the_tests(name):
    known = {PREFIX + field.upper() for field in Settings.model_fields} | {"OFFERSTREAM_DATA"}
    assert set(re.findall(r"`(OFFERSTREAM_\w+)", TEXTS[name])) <= known


def test_the_changelog_knows_the_version():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert f"## [{version}]" in (ROOT / "CHANGELOG.md").read_text()
