"""Who may see the page, and who may act on it."""

import hashlib
import hmac
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, Literal, NamedTuple

from flows.live_page.address import Address
from schemas.errors import SetupError

Role = Literal["read", "act"]
LEAST_CHARS: Final = 16
LINE: Final = re.compile(r"(?P<role>\S+)\s+(?P<name>\S.*?)\s+(?P<token>\S+)")


class Somebody(NamedTuple):
    """Who asks: the name of a token, None where no token is needed; and what they may do."""

    name: str | None
    role: Role

    @property
    def may_act(self) -> bool:
        """Whether they may pause, stop and roll out."""
        return self.role == "act"


class Access:
    """The tokens of the page by their hashes; none: whoever reaches the page has ``open_role``."""

    def __init__(self, tokens: Iterable[tuple[Somebody, str]], open_role: Role) -> None:
        self._tokens = [(_hash(token), somebody) for somebody, token in tokens]
        self._open = Somebody(None, open_role)

    @property
    def needs_token(self) -> bool:
        """Whether nobody gets in without a token."""
        return bool(self._tokens)

    def anybody(self) -> Somebody | None:
        """Return who somebody without a token is; None where one is needed."""
        return None if self._tokens else self._open

    def of_token(self, token: str) -> Somebody | None:
        """Return whose token it is, None for one that is nobody's; all are compared, in constant time."""
        given, found = _hash(token), None
        for known, somebody in self._tokens:
            if hmac.compare_digest(known, given):
                found = somebody
        return found


def read_access(address: Address, tokens: Path | None, open_role: Role) -> Access:
    """Return who may see the page; raises SetupError where other machines could, and nobody needs a token."""
    if tokens is None:
        if not address.is_loopback:
            raise SetupError(
                f"UI_TOKENS must name a file of tokens where the page listens on {address.host}: "
                "whoever reaches it could stop all offers"
            )
        return Access((), open_role)
    try:
        text = tokens.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise SetupError(f"UI_TOKENS must be a file that can be read; got {str(tokens)!r}: {error}") from None
    found = list(_tokens(text.splitlines(), tokens))
    if not found:
        raise SetupError(f"UI_TOKENS must have a token, `act ann TOKEN`; {tokens} has none")
    return Access(found, open_role)


def _tokens(lines: Iterable[str], path: Path) -> Iterator[tuple[Somebody, str]]:
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        found = LINE.fullmatch(line.strip())
        where = f"line {number} of {path}"
        if found is None or found["role"] not in ("read", "act"):
            raise SetupError(
                f"UI_TOKENS must have lines like `act ann TOKEN` or `read board TOKEN`; {where} is none"
            )
        if len(found["token"]) < LEAST_CHARS:
            raise SetupError(
                f"UI_TOKENS must have tokens of at least {LEAST_CHARS} characters; {where} has less"
            )
        yield Somebody(found["name"][:100], found["role"]), found["token"]  # type: ignore[arg-type]


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
