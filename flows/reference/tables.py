"""The tables of the reference pages: commands, settings, metrics, topics, events, schemas, from the code."""

import argparse
import inspect
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from string import Formatter
from typing import get_args

from flows.cli import COMMANDS, command
from flows.observability.log_events import LogEvent
from flows.observability.metrics import Metrics
from flows.settings import PREFIX, Settings
from operators.bandits import POLICIES
from schemas.durations import write_duration
from schemas.events import Event
from schemas.json_schemas import schema_files
from schemas.shop import EXAMPLE_OFFERS
from schemas.topics import INPUTS, OUTPUTS, OutputTopic


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def log_events() -> str:
    """Return every line that the log may have."""
    rows = []
    for each in LogEvent:
        line = each.value
        fields = dict.fromkeys(name for _, name, _, _ in Formatter().parse(line.words) if name)
        rows.append((f"`{each.event}`", line.level, ", ".join(f"`{name}`" for name in fields), line.meaning))
    return table(("event", "level", "fields", "what it means"), rows)


def commands() -> str:
    """Return every command: what it does, its arguments, its examples."""
    return "\n".join(f"## {name}\n\n{_command(name, says)}" for name, says in COMMANDS.items())


def _command(name: str, says: str) -> str:
    module = command(name)
    parser = argparse.ArgumentParser(prog=name)
    module.arguments(parser)
    parts = list(_with_parts(name, parser))
    examples = "\n".join(line.removeprefix("  ") for line in module.EXAMPLES.splitlines())
    return f"{says[0].upper()}{says[1:]}.\n\n{''.join(parts)}```sh\n{examples}\n```\n"


def _with_parts(name: str, parser: argparse.ArgumentParser) -> Iterator[str]:
    """Yield the arguments of a command, those of each of its parts where it has some."""
    for action in parser._actions:  # noqa: SLF001  as below
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001  as below
            for part, sub in action.choices.items():
                yield f"### {name} {part}\n\n{sub.description}\n\n{_arguments(sub)}\n"
            return
    yield f"{_arguments(parser)}\n"


def _arguments(parser: argparse.ArgumentParser) -> str:
    rows = [
        (_spelling(action), " ".join(((action.help or "") % vars(action)).split()).replace("|", "\\|"))
        for action in parser._actions  # noqa: SLF001  argparse has no other way to list them
        if action.dest != "help"
    ]
    return table(("argument", "what it does"), rows)


def _spelling(action: argparse.Action) -> str:
    names = ", ".join(action.option_strings)
    values = action.metavar or (
        "{" + ",".join(map(str, action.choices)) + "}" if action.choices else action.dest.upper()
    )
    shown = " ".join(values) if isinstance(values, tuple) else values
    shown = "" if action.nargs == 0 else shown
    return f"`{f'{names} {shown}'.strip()}`".replace("|", "\\|")


def settings() -> str:
    """Return every setting with its default."""
    rows = [
        (f"`{PREFIX}{name.upper()}`", _setting(field.default), field.description or "")
        for name, field in Settings.model_fields.items()
    ]
    return table(("setting", "default", "what it is"), rows)


def _setting(value: object) -> str:
    if value == EXAMPLE_OFFERS:
        return "the built-in example"
    if value is None or value in ({}, ()):
        return ""
    if isinstance(value, timedelta):
        return f"`{write_duration(value)}`"
    if isinstance(value, tuple | frozenset):
        return f"`{', '.join(sorted(value))}`"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def metrics() -> str:
    """Return every metric of the worker with its labels and its kind."""
    rows = []
    for family in Metrics().registry.prometheus.collect():
        if family.name.startswith("offerstream_"):
            suffix = {"counter": "_total", "info": "_info"}.get(family.type, "")
            labels = ", ".join(getattr(family, "_labelnames", ()))
            name = family.name + suffix + (f"{{{labels}}}" if labels else "")
            rows.append((f"`{name}`", family.type, family.documentation))
    return table(("metric", "kind", "what it says"), sorted(rows))


def topics() -> str:
    """Return the topics that are read and written."""
    return table(
        ("topic", "name in `topics`", "", "key", "contents"),
        [(f"`{each.topic}`", f"`{each.name}`", "in", "yours", each.description) for each in INPUTS]
        + [
            (f"`{each.topic}`", f"`{each.name}`", "out" + _only_with(each), each.key, each.description)
            for each in OUTPUTS
        ],
    )


def _only_with(row: OutputTopic) -> str:
    return "" if row.setting is None else f" with `{row.setting}`"


def events() -> str:
    """Return every kind of event with the fields it adds to those that all have."""
    kinds = get_args(get_args(Event)[0])
    common = set.intersection(*(set(kind.model_fields) for kind in kinds))
    rows = []
    for kind in kinds:
        (name,) = get_args(kind.model_fields["type"].annotation)
        own = {field: each for field, each in kind.model_fields.items() if field not in common}
        required = ", ".join(f"`{field}`" for field, each in own.items() if each.is_required())
        optional = ", ".join(f"`{field}`" for field, each in own.items() if not each.is_required())
        rows.append((f"`{name}`", kind.__doc__ or "", required, optional))
    return table(("`type`", "what happened", "required", "optional"), rows)


def policies() -> str:
    """Return the settings of the policies that learn: whose they are, their defaults, what they are."""
    defaults: dict[str, dict[str, str]] = {}
    says: dict[str, str] = {}
    for policy, kind in POLICIES.items():
        described = re.findall(r"^(\w+)\n((?: {4}.+\n?)+)", inspect.getdoc(kind) or "", re.MULTILINE)
        says |= {
            name: " ".join(text.split()).replace("``", "`") for name, text in described if name not in says
        }
        for name, parameter in inspect.signature(kind).parameters.items():
            defaults.setdefault(name, {})[policy] = _default(parameter.default)
    rows = [
        (f"`{name}`", _of_which(of, len(POLICIES)), says.get(name, ""))
        for name, of in defaults.items()
        if name != "seed"
    ]
    return table(("setting", "default", "what it is"), rows)


def _default(value: object) -> str:
    is_word = value is None or isinstance(value, bool)
    return f"`{str(value).lower() if is_word else value}`"


def _of_which(defaults: Mapping[str, str], policies: int) -> str:
    """Return a default, and whose it is where not all policies have it or have the same."""
    (usual, _), *_ = Counter(defaults.values()).most_common()
    if len(defaults) == policies:
        others = (f"{default} for `{policy}`" for policy, default in defaults.items() if default != usual)
        return "; ".join((usual, *others))
    return "; ".join(
        f"{default} for " + ", ".join(f"`{policy}`" for policy, of in defaults.items() if of == default)
        for default in dict.fromkeys(defaults.values())
    )


def schemas() -> str:
    """Return the files of docs/schemas with what each describes."""
    rows = []
    for name, text in schema_files().items():
        said = json.loads(text)
        rows.append((f"[`{name}`](../schemas/{name})", said.get("title", "")))
    return table(("file", "describes"), rows)
