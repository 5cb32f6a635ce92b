"""Why clients do not connect: librdkafka's own reason, and what to look at."""

import re
from typing import Final

STATE: Final = re.compile(r" \(after \d+ms in state (\w+)[^)]*\)")
LOGGED: Final = re.compile(r"^FAIL \[[^]]*\](?: \[[^]]*\])?: ")
"""What librdkafka's log puts before a reason."""

HINTS: Final = (
    (
        r"certificate verify failed.*hostname|IP address mismatch",
        "see `bootstrap`: the certificate has other names",
    ),
    (
        r"PLAINTEXT broker listener|Disconnected.* SSL_HANDSHAKE",
        "this port has no TLS, and `security.protocol` asks for it",
    ),
    (
        r"certificate verify failed",
        "see `ssl.ca.location`: is it of who signed the broker's certificate? Or has that one expired?",
    ),
    (
        r"alert (?:bad|unknown|expired|revoked|unsupported)?[ _]?certificate|alert unknown ca",
        "the broker wants another certificate of ours: see `ssl.certificate.location` and `ssl.key.location`",
    ),
    (
        r"^plaintext.* Disconnected.* APIVERSION_QUERY",
        "this port may want TLS: see `security.protocol`, which is PLAINTEXT",
    ),
    (
        r"^sasl_plaintext.* Disconnected.* APIVERSION_QUERY",
        "this port may want TLS: see `security.protocol`, which is SASL_PLAINTEXT",
    ),
    (
        r"^(?:ssl|plaintext)\b.* Disconnected.* UP",
        "this port may want a login: see `security.protocol` and `sasl.mechanism`",
    ),
    (r"not valid in current SASL state", "this port has no login, and `security.protocol` asks for one"),
    (r"Unsupported SASL mechanism", "see `sasl.mechanism`"),
    (r"SASL authentication error", "see `sasl.username` and `sasl.password`, or whatever it logs in with"),
    (r"Failed to resolve", "see the host in `bootstrap`, and the name service"),
    (r"Connection refused", "nothing listens there: see `bootstrap`, and whether the broker runs"),
)
"""What to look at, by librdkafka's words: its protocol, its reason, the state in which it happened."""


def explained(reported: str) -> str:
    """Return the reason in what a client reported or logged, and what to look at where that is known.

    >>> explained("FAIL [rdkafka#producer-1] [thrd:h:1/bootstrap]: h:1/1: Broken (after 2ms in state UP)")
    'h:1/1: Broken'
    >>> explained("h:1/bootstrap: Connect to h:1 failed: Connection refused (after 0ms in state UP)")[49:]
    'refused; nothing listens there: see `bootstrap`, and whether the broker runs'
    """
    text = LOGGED.sub("", reported)
    state = STATE.search(text)
    reason = STATE.sub("", text)
    searched = f"{'' if '://' in reason else 'plaintext://'}{reason} {state[1] if state else ''}"
    hint = next((hint for pattern, hint in HINTS if re.search(pattern, searched)), None)
    return reason if hint is None else f"{reason}; {hint}"
