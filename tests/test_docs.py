"""What the documents say can be done, can be done: links, commands, settings, events and their records."""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tomllib
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import get_args

import msgspec
import pytest
from pydantic import BaseModel

from flows.assembly import reader_of, stations_of
from flows.cli import COMMANDS, main
from flows.kafka.broker_process import EmbeddedBroker
from flows.local.in_process import InProcessDataflow
from flows.reference.generate import GENERATED, filled
from flows.settings import PREFIX, Settings
from flows.stores.ledger import Ledgers
from operators.bandits import POLICIES
from operators.sessions import features
from schemas.adapters import FORMATS, Decoded, decode_each, decoder
from schemas.adapters.generic_file import GenericFile
from schemas.catalog import read_product
from schemas.decisions import DECISION_RECORDS, read_decision_record
from schemas.events import EVENTS, Event
from schemas.message import Message
from schemas.offers import OfferData, read_offer_record
from schemas.rejected import REJECT_CLASSES, Rejected
from schemas.shop import Cost, Market, Offer, Shop
from tests import warm_start
from tests.broker.driving import until
from tests.builders import MAX_EVENT_BYTES
from tests.deploy.test_deploy import SERIES

ROOT = Path(__file__).parents[1]
DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
TEXTS = {path.relative_to(ROOT).as_posix(): path.read_text() for path in DOCUMENTS}
PAGES = {name: text for name, text in TEXTS.items() if name.startswith("docs/")}
README = TEXTS["README.md"]
EVENTS_IN, RECORDS_OUT = "docs/reference/events-in.md", "docs/reference/records-out.md"
STORIES = {"README.md": "README.md", RECORDS_OUT: EVENTS_IN}
"""Documents that show records, and where the events stand that these follow from."""
NOT_SETTINGS = {"OFFERSTREAM_DATA"}
WITH_PARTS = {"control"}
"""Commands whose first argument is a command of its own."""
MOST_README_LINES = 150
OFFERSTREAM = f"{sys.executable} -m flows.cli"
ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT)}
WITHIN_S = 60
WORDS = re.findall(r'<a id="([\w-]+)"', TEXTS["docs/glossary.md"])
each_document = pytest.mark.parametrize("name", TEXTS)
each_that_is_of_today = pytest.mark.parametrize("name", sorted(TEXTS.keys() - {"CHANGELOG.md"}))
each_story = pytest.mark.parametrize(("name", "story"), STORIES.items())


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^ *```(?:{language})\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL)


def prose(text: str) -> str:
    """The text without its blocks of code and its comments."""
    return re.sub(r"^ *```.*?^ *```|<!--.*?-->", "", text, flags=re.MULTILINE | re.DOTALL)


def commands(text: str) -> list[str]:
    """Every line of a shell block, continued ones in one piece, and every piece of inline code."""
    shell = "".join(blocks(text, "sh|bash|console|shell")).replace("\\\n", " ").splitlines()
    return [line.removeprefix("$ ") for line in shell] + re.findall(r"`([^`\n]+)`", prose(text))


def ours(text: str) -> list[tuple[str, str]]:
    """The command and its arguments wherever one of ours is called, also in a container or through make."""
    called = r"(?:^|[ /])offerstream(?::[\d.]+)? +([a-z]+)\b(.*)"
    through_make = r"^make (demo|bench)\b.* ARGS='([^']*)'"
    found = (re.search(called, line) or re.search(through_make, line) for line in commands(text))
    return [(match[1], match[2]) for match in found if match]


# Links


def links(text: str) -> list[str]:
    """The targets of all links that stay in the repository."""
    return re.findall(r"\]\((?!\w+:)([^)\s]+)\)", re.sub(r"`[^`\n]*`", "", prose(text)))


def anchors(text: str) -> set[str]:
    """The anchors that GitHub gives to headings, and those that are written out."""
    seen: Counter[str] = Counter()
    found = set(re.findall(r'<a id="([\w-]+)"', text))
    for heading in re.findall(r"^#+ +(.+?) *$", prose(text), re.MULTILINE):
        words = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower()
        slug = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        found.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
        seen[slug] += 1
    return found


@each_document
def test_every_link_leads_to_a_file_and_to_an_anchor_in_it(name):
    for target in links(TEXTS[name]):
        path, _, anchor = target.partition("#")
        file = (ROOT / name).parent.joinpath(path).resolve() if path else ROOT / name
        assert file.exists(), target
        if anchor:
            assert anchor in anchors(file.read_text()), target


def test_every_page_is_reached_from_the_readme():
    reached, coming = set(), ["README.md"]
    while coming:
        name = coming.pop()
        if name in reached:
            continue
        reached.add(name)
        targets = [target.partition("#")[0] for target in links(TEXTS[name])]
        files = [(ROOT / name).parent.joinpath(target).resolve() for target in targets if target]
        found = [file.relative_to(ROOT).as_posix() for file in files if file.is_relative_to(ROOT)]
        coming += [other for other in found if other in TEXTS]
    assert reached == TEXTS.keys()


@pytest.mark.parametrize("word", WORDS)
def test_every_word_of_the_glossary_is_linked_from_somewhere(word):
    assert any(f"glossary.md#{word})" in text for text in TEXTS.values())


def test_the_readme_is_a_door():
    assert README.count("\n") <= MOST_README_LINES


@each_that_is_of_today
def test_every_file_of_ours_that_is_named_is_there(name):
    for named in re.findall(r"`((?:schemas|operators|flows|tests|docs)/[\w./-]*)`", prose(TEXTS[name])):
        assert (ROOT / named).exists(), named


@each_document
def test_every_picture_is_small(name):
    for target in re.findall(r"!\[[^]]*\]\(([^)]+)\)", TEXTS[name]):
        assert (ROOT / name).parent.joinpath(target).stat().st_size < 300_000


# Commands and settings


@each_document
def test_every_make_target_is_in_the_makefile(name):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {match[1] for line in commands(TEXTS[name]) if (match := re.match(r"make ([a-z-]+)", line))}
    assert named <= targets


@each_document
def test_every_command_is_one_of_the_command_line(name):
    assert {command for command, _ in ours(TEXTS[name])} <= COMMANDS.keys()


@pytest.fixture(scope="module")
def options_of():
    """The options of a command, or of a part of it, as its help shows them."""
    known: dict[tuple[str, ...], set[str]] = {}

    def options(command, capsys):
        if command not in known:
            with pytest.raises(SystemExit):
                main([*command, "--help"])
            known[command] = set(re.findall(r"(?<![\w-])--[a-z-]+", capsys.readouterr().out))
        return known[command]

    return options


@each_that_is_of_today
def test_every_option_shown_is_one_that_the_command_has(name, options_of, capsys):
    for command, arguments in ours(TEXTS[name]):
        shown = {word.partition("=")[0] for word in shlex.split(arguments) if word.startswith("--")}
        part = shlex.split(arguments)[:1] if command in WITH_PARTS else []
        assert shown <= options_of((command, *part), capsys), command


@each_that_is_of_today
def test_every_setting_given_with_set_is_one(name):
    for command, arguments in ours(TEXTS[name]):
        words = shlex.split(arguments)
        given = [value for option, value in pairwise(words) if option == "--set"]
        given += [word.removeprefix("--set=") for word in words if word.startswith("--set=")]
        assert {pair.partition("=")[0] for pair in given} <= Settings.model_fields.keys(), command


@each_that_is_of_today
def test_every_setting_named_in_a_toml_file_is_one(name):
    for block in blocks(TEXTS[name], "toml"):
        given = tomllib.loads(block)
        if "markets" in given or ("offers" in given and isinstance(given["offers"], list)):
            Shop.model_validate(given)
        elif isinstance(given.get("events"), list):
            GenericFile.model_validate(given)
        else:
            assert given.keys() <= Settings.model_fields.keys()


@each_that_is_of_today
def test_every_variable_named_is_a_setting_or_one_of_the_tests(name):
    known = {PREFIX + field.upper() for field in Settings.model_fields} | NOT_SETTINGS
    assert set(re.findall(r"`(OFFERSTREAM_\w+)", TEXTS[name])) <= known


@each_that_is_of_today
def test_every_metric_named_is_one_the_worker_has(name):
    known = SERIES.keys() | {series.removesuffix("_count") for series in SERIES}
    assert set(re.findall(r"`(offerstream_[a-z_]+[a-z])", TEXTS[name])) <= known


@each_document
def test_every_python_block_runs(name, capsys):
    for block in blocks(TEXTS[name], "python"):
        compiled = compile(block, name, "exec")
        if "Producer(" not in block:  # the tutorial's, which is run below
            exec(compiled, {})
    capsys.readouterr()


# What is generated, and what must be described


@each_document
def test_what_is_generated_is_up_to_date(name):
    assert filled(TEXTS[name]) == TEXTS[name], f"run: python -m flows.reference.generate {name}"


def test_everything_that_can_be_generated_stands_on_one_page():
    marked = [part for text in TEXTS.values() for part in re.findall(r"<!-- generated: (\w+) -->", text)]
    assert sorted(marked) == sorted(GENERATED)


FEATURES = "docs/reference/features.md"
OFFERS_FILE = "docs/reference/offers-file.md"


def named_in(*kinds: type[BaseModel]) -> set[str]:
    return {each.serialization_alias or name for kind in kinds for name, each in kind.model_fields.items()}


def written_in(*kinds: type[msgspec.Struct]) -> set[str]:
    return {field.encode_name for kind in kinds for field in msgspec.structs.fields(kind)}


@pytest.mark.parametrize(
    ("page", "names"),
    [
        (EVENTS_IN, named_in(*get_args(get_args(Event)[0])) - {"url", "title"}),
        (RECORDS_OUT, written_in(*DECISION_RECORDS.values()) | named_in(Rejected)),
        (RECORDS_OUT, written_in(OfferData)),
        (RECORDS_OUT, set(REJECT_CLASSES)),
        (OFFERS_FILE, (named_in(Market, Offer, Cost) - {"name"}) | {"name"}),
        (EVENTS_IN, set(FORMATS)),
        (FEATURES, set(features.NAMES)),
        ("docs/how-to/change-the-policy.md", set(POLICIES)),
    ],
    ids=["events", "records", "offers", "rejected", "offers file", "formats", "features", "policies"],
)
def test_every_word_of_a_contract_is_described(page, names):
    described = set(re.findall(r"`([^`\n]+)`", prose(TEXTS[page])))
    assert names <= described


def test_the_changelog_knows_the_version():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert f"## [{version}]" in TEXTS["CHANGELOG.md"]


# Events, and what follows from them


@each_document
def test_every_event_shown_is_one_the_worker_takes(name):
    for block in blocks(TEXTS[name], "jsonl?"):
        values = [json.loads(block)] if block.count("\n{") == 0 else map(json.loads, block.splitlines())
        for value in values:
            if "visitor_id" in value and "type" in value and "decision_id" not in value:
                read = read_decision_record if value["type"] in DECISION_RECORDS else EVENTS.validate_json
                read(json.dumps(value))


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
def test_every_line_marked_as_an_event_is_decoded_in_its_format(name, tmp_path):
    for form, line in events_shown(TEXTS[name]):
        if form == "generic":  # by the file that the document shows
            (text,) = (block for block in blocks(TEXTS[name], "toml") if "[[events]]" in block)
            (tmp_path / "house.toml").write_text(text)
        named = f"generic:{tmp_path / 'house.toml'}" if form == "generic" else form
        found = [read for _, read in decode_each(decoder(named, MAX_EVENT_BYTES), Message(line.encode()))]
        assert found
        assert all(isinstance(read, Decoded) for read in found), found


HOUSE = "docs/how-to/map-a-house-format.md"


def test_the_house_format_shown_becomes_the_events_shown(tmp_path):
    (text,) = (block for block in blocks(TEXTS[HOUSE], "toml") if "[[events]]" in block)
    (tmp_path / "house.toml").write_text(text)
    read = decoder(f"generic:{tmp_path / 'house.toml'}", MAX_EVENT_BYTES)
    records = [line for form, line in events_shown(TEXTS[HOUSE]) if form == "generic"]
    events = [json.loads(line) for form, line in events_shown(TEXTS[HOUSE]) if form == "native"]
    assert records
    assert [read(Message(line.encode())).event for line in records] == [
        EVENTS.validate_json(json.dumps(event)) for event in events
    ]


def test_every_kind_of_event_is_shown():
    kinds = {kind.__name__ for kind in get_args(get_args(Event)[0])}
    assert {type(EVENTS.validate_json(line)).__name__ for line in story_of(EVENTS_IN)} == kinds


def test_only_documents_with_a_story_show_records():
    assert {name for name, text in TEXTS.items() if records_shown(text)} == STORIES.keys()


@each_document
def test_every_record_shown_is_one_the_worker_may_write(name):
    for kind, record in records_shown(TEXTS[name]).items():
        read = read_offer_record if kind.startswith("offer.") else read_decision_record
        read(json.dumps(record).encode())


def test_the_products_shown_are_taken_as_they_stand():
    shown = "".join(blocks(TEXTS["docs/how-to/use-a-catalog.md"], "jsonl")).splitlines()
    assert shown
    for line in shown:
        found = read_product(Message(line.encode()), MAX_EVENT_BYTES)
        assert (found.product.sku, found.dropped) == ("A-7", ())


def story_of(name: str) -> list[str]:
    """The native events of a document in their order, those in envelopes left out."""
    return [line for form, line in events_shown(TEXTS[name])
            if form == "native" and '"specversion"' not in line]  # fmt: skip


@each_story
def test_the_records_shown_follow_from_the_events_shown(name, story):
    settings = Settings()
    shop = settings.shop()
    reader = reader_of(settings, shop, settings.format_of, None, ordered=True)("docs/0000", None)
    dataflow = InProcessDataflow(stations_of(settings, shop, ["docs/0000"], Ledgers().of, ordered=True))
    messages = [Message(line.encode(), offset=at) for at, line in enumerate(story_of(story))]
    emitted = [*dataflow.process(reader.read(messages, None))[0], *dataflow.process(reader.end())[0]]
    for kind, record in records_shown(TEXTS[name]).items():
        found = [leaves(json.loads(each.value)) for each in emitted if each.type == kind]
        assert pytest.approx(leaves(record)) in found


def leaves(value, path=""):
    """The leaves of a record by their path."""
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        return {where: leaf for key, inner in items for where, leaf in leaves(inner, f"{path}.{key}").items()}
    return {path: value}


# The tutorial, step by step


@pytest.mark.broker
def test_the_tutorial_leads_to_a_first_offer(tmp_path):
    text = TEXTS["docs/tutorial.md"]
    (tmp_path / "schemas").symlink_to(ROOT / "schemas")
    with EmbeddedBroker(directory=tmp_path / "broker") as broker:
        by_name = dict(ours(text.replace("localhost:9092", broker.bootstrap)))
        (tmp_path / "events.jsonl").write_text("".join(line + "\n" for _, line in events_shown(text)))
        run(tmp_path, f"{OFFERSTREAM} check {by_name['check']}")
        run(tmp_path, "cp schemas/example_offers.toml offers.toml")
        worker = started(tmp_path, f"live {by_name['live']} --set metrics_port=0")
        try:
            (block,) = (each for each in blocks(text, "python") if "Producer(" in each)
            exec(block.replace("localhost:9092", broker.bootstrap), {})
            offers = until(lambda: exported(tmp_path, by_name["export"]), WITHIN_S)
            assert {json.loads(line)["type"] for line in offers.splitlines()} == {"offer.decided"}
            run(tmp_path, f"{OFFERSTREAM} visitor {by_name['visitor']}")
            run(tmp_path, f"{OFFERSTREAM} control {by_name['control']}")
            until(lambda: all_revoked(exported(tmp_path, by_name["export"]), "ten_percent"), WITHIN_S)
        finally:
            worker.send_signal(signal.SIGINT)
            assert worker.wait(WITHIN_S) == 0


def started(directory: Path, line: str) -> subprocess.Popen:
    """The worker in a process of its own, when its log says that it has started."""
    log = directory / "worker.log"
    with log.open("wb") as out:
        command = shlex.split(f"{OFFERSTREAM} {line}")
        worker = subprocess.Popen(command, cwd=directory, env=ENVIRONMENT, stdout=out, stderr=out)
    until(lambda: b": started" in log.read_bytes() or worker.poll() is not None, WITHIN_S)
    assert worker.poll() is None, log.read_text()
    return worker


def exported(directory: Path, arguments: str) -> str:
    """The offers that are there by now; the directory of the tutorial must be new each time."""
    shutil.rmtree(directory / "exported", ignore_errors=True)
    words = ["export", *shlex.split(arguments)]
    assert warm_start.run("flows.cli", words, env=ENVIRONMENT, cwd=directory).returncode == 0
    return (directory / "exported/offers.jsonl").read_text()


def all_revoked(offers: str, name: str) -> bool:
    """Whether every offer of this name that was made has been revoked."""
    records = [json.loads(line) for line in offers.splitlines()]
    made = [each["data"] for each in records if each["type"] == "offer.decided"]
    revoked = {each["data"]["offer_id"] for each in records if each["type"] == "offer.revoked"}
    return {each["offer_id"] for each in made if each["treatment"]["name"] == name} <= revoked


def run(directory: Path, line: str) -> None:
    subprocess.run(shlex.split(line), cwd=directory, env=ENVIRONMENT, check=True, stdout=subprocess.DEVNULL)
