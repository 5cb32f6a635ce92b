"""Expressions in CEL, the Common Expression Language: for whom an offer is.

CEL has no loops, no assignment and no way out of its values; https://cel.dev describes it. The fields are
declared with their types, so that a misspelt one or a wrong type is found before the first message.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

from cel_expr_python import cel

from schemas.errors import SetupError
from schemas.rules import MATCH_ALL
from schemas.shop import Shop

FIELDS: Final[dict[str, str]] = {
    "cart.value": "double",
    "cart.currency": "string",
    "cart.pieces": "int",
    "cart.lines": "int",
    "cart.skus": "list<string>",
    "cart.categories": "list<string>",
    "cart.max_item_price": "double",
    "cart.mean_item_price": "double",
    "cart.value_vs_peak": "double",
    "visitor.id": "string",
    "visitor.user": "string",
    "visitor.known": "bool",
    "visitor.new": "bool",
    "visitor.visits": "int",
    "visitor.locale": "string",
    "visitor.timezone": "string",
    "session.device": "string",
    "session.source": "string",
    "session.minutes": "double",
    "session.events": "int",
    "session.page_views": "int",
    "session.product_views": "int",
    "session.searches": "int",
    "session.cart_adds": "int",
    "session.cart_removes": "int",
    "session.coupons_denied": "int",
    "session.checkout_started": "bool",
    "moment.trigger": "string",
    "moment.hour": "int",
    "moment.weekday": "string",
    "segment": "string",
    "abandonment": "double",
}
"""All that an expression may use, with its type."""

_TYPES: Final = {
    "double": cel.Type.DOUBLE,
    "string": cel.Type.STRING,
    "int": cel.Type.INT,
    "bool": cel.Type.BOOL,
    "list<string>": cel.Type.List(cel.Type.STRING),
}
_COMPARISONS: Final = {"_<_": "less", "_<=_": "less_equals", "_>_": "greater", "_>=_": "greater_equals"}
_COMPARED: Final = {
    "bool": cel.Type.BOOL,
    "int64": cel.Type.INT,
    "uint64": cel.Type.UINT,
    "double": cel.Type.DOUBLE,
    "string": cel.Type.STRING,
    "bytes": cel.Type.BYTES,
    "timestamp": cel.Type.TIMESTAMP,
    "duration": cel.Type.DURATION,
}
_NUMBERS: Final = ("int64", "uint64", "double")
_UNKNOWN: Final = re.compile(r"undeclared reference to '([^']*)'")
_PROBLEM: Final = re.compile(r"ERROR: <input>:(\d+):(\d+): ([^\n]*)")
_QUOTED: Final = r"""(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')"""
_TEXT: Final = re.compile(_QUOTED)
_PATTERN: Final = re.compile(rf"\.matches\(\s*([rR]?{_QUOTED})\s*\)")
TOGETHER: Final = 16
"""So many expressions are evaluated together; the depth of one is limited."""
_NAME: Final = re.compile(r"[A-Za-z_][\w.]*")


class AudienceError(ValueError):
    """An expression that cannot be used; the words say which field or what else is wrong."""


@cache
def _environment() -> cel.Env:
    """Return the environment in which expressions are compiled and evaluated.

    The language lets ``cart.value > 50`` compare a number with decimals with one without, but the library
    declares comparisons of one type alone. So they are declared here, with all types.
    """
    excluded = "".join(f"\n  - name: {name}" for name in _COMPARISONS)
    functions = []
    for name, word in _COMPARISONS.items():
        pairs = [(one, one) for one in _COMPARED]
        pairs += [(one, other) for one in _NUMBERS for other in _NUMBERS if one != other]
        overloads = [
            cel.Overload(
                f"{word}_{one}" if one == other else f"{word}_{one}_{other}",
                return_type=cel.Type.BOOL,
                parameters=[_COMPARED[one], _COMPARED[other]],
            )
            for one, other in pairs
        ]
        functions.append(cel.FunctionDecl(name, overloads))
    return cel.NewEnv(
        config=cel.NewEnvConfigFromYaml(f"name: audience\nstdlib:\n  exclude_functions:{excluded}\n"),
        variables={name: _TYPES[kind] for name, kind in FIELDS.items()},
        functions=functions,
    )


class Values:
    """The values of fields at one moment, for as many expressions as there are."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.activation = _environment().Activation(values)


class Expression:
    """An expression over the fields that is true or false; raises AudienceError where it is not.

    ``fields`` are those that it needs, and perhaps more: all whose last name stands in it.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.fields = frozenset(field for field in FIELDS if field.rpartition(".")[2] in text)
        try:
            self._compiled = _environment().compile(text)
        except RuntimeError as error:
            raise AudienceError(_in_words(text, str(error))) from None
        kind = self._compiled.return_type()
        if kind != cel.Type.BOOL:
            raise AudienceError(f"must be true or false; {text!r} is {kind.name()}")
        for pattern in _PATTERN.findall(text):
            if _environment().compile(f"''.matches({pattern})").eval().type() != cel.Type.BOOL:
                raise AudienceError(f"must have valid regular expressions; got {pattern}")

    def holds(self, values: Values) -> bool:
        """Return whether it is true; one that cannot be evaluated, such as a division by zero, is not."""
        try:
            return self._compiled.eval(values.activation).value() is True
        except RuntimeError:  # text with half a surrogate pair
            return False


class Expressions:
    """Several expressions at one moment: together they take the library little longer than one."""

    def __init__(self, expressions: Sequence[Expression]) -> None:
        self._each = tuple(expressions)
        self.fields = frozenset().union(*(each.fields for each in expressions))
        parts = [self._each[at : at + TOGETHER] for at in range(0, len(self._each), TOGETHER)]
        self._together = [
            (_environment().compile(_sum(part)), tuple(1 << at for at in range(len(part)))) for part in parts
        ]

    def hold(self, values: Mapping[str, Any]) -> list[bool]:
        """Return of each whether it is true."""
        found: list[bool] = []
        for together, bits in self._together:
            try:
                bit_sum = together.eval(None, values).value()
            except RuntimeError:  # as in ``Expression.holds``
                bit_sum = None
            if bit_sum.__class__ is not int:  # one that cannot be evaluated spoils its sum
                known = Values(values)
                return [each.holds(known) for each in self._each]
            found += [bit_sum & bit != 0 for bit in bits]
        return found


def _sum(expressions: Sequence[Expression]) -> str:
    """Return an expression with a bit for each; on lines of their own, for they may end in a comment."""
    return " + ".join(f"((\n{each.text}\n) ? {1 << at} : 0)" for at, each in enumerate(expressions))


def check_audiences(shop: Shop) -> None:
    """Raise SetupError for the first audience of a shop whose expression cannot be used."""
    audiences = {"rules.audience": shop.rules.audience}
    for name, market in shop.markets.items():
        audiences[f"markets.{name}.rules.audience"] = market.rules.audience
    audiences |= {f"offers.#{at}.audience": offer.audience for at, offer in enumerate(shop.offers, 1)}
    names = {f"offers.#{at}.audience": f" (offer {offer.name!r})" for at, offer in enumerate(shop.offers, 1)}
    for key, audience in audiences.items():
        if audience.when != MATCH_ALL:
            try:
                Expression(audience.when)
            except AudienceError as error:
                raise SetupError(f"{key}.when {error}{names.get(key, '')}") from None


def _in_words(text: str, error: str) -> str:
    """Return what is wrong with an expression and its fields: the library says only where."""
    unknown = _UNKNOWN.search(error)
    if unknown is not None:
        name = unknown[1]
        room = name.partition(".")[0] + "."
        rooms = dict.fromkeys(field.partition(".")[0] for field in FIELDS)
        known = [field for field in FIELDS if field.startswith(room)] or rooms
        return f"must use known fields; {name!r} is none, try {', '.join(known)}"
    found = _PROBLEM.search(error)
    where, problem = (f" at character {found[2]}", found[3]) if found is not None else ("", error)
    used = [name for name in dict.fromkeys(_NAME.findall(_TEXT.sub("", text))) if name in FIELDS]
    types = "".join(f"; {name} is {FIELDS[name]}" for name in used)
    if "(double, int)" in problem or "(int, double)" in problem:
        types += "; beside a double write 2.0 for 2"
    return f"must be an expression that fits the types; got {text!r}:{where} {problem}{types}"
