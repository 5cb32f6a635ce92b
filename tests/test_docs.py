"""What the documents say can be done, can be done: links, make targets, commands, events."""

import json
import re
import tomllib
from pathlib import Path

import pytest

from flows.cli import main
from schemas.events import EVENTS

ROOT = Path(__file__).parents[1]
DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
TEXTS = {path.relative_to(ROOT).as_posix(): path.read_text() for path in DOCUMENTS}
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
                EVENTS.validate_python(value)


def test_the_changelog_knows_the_version():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert f"## [{version}]" in (ROOT / "CHANGELOG.md").read_text()
