"""Tokens for Amazon MSK with IAM, which the extra ``offerstream[msk]`` signs."""

import os
import re
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Final, Protocol, cast

from schemas.errors import SetupError

MECHANISM: Final = "AWS_MSK_IAM"
"""The name of the mechanism in Java's clients; on the wire it is OAUTHBEARER."""
PROFILE, ROLE, SESSION, REGION = "aws.profile", "aws.role.arn", "aws.role.session.name", "aws.region"
OPTIONS: Final = (PROFILE, ROLE, SESSION, REGION)
IN_HOST: Final = re.compile(r"\.kafka(?:-serverless)?\.([a-z]+(?:-[a-z]+)+-\d+)\.amazonaws\.")

TokenOf = Callable[[str], tuple[str, float]]
"""Returns a token, and until when it holds, in seconds since 1970."""


class Signer(Protocol):
    """``aws_msk_iam_sasl_signer.MSKAuthTokenProvider``: each returns a token and its end in milliseconds."""

    def generate_auth_token(self, region: str) -> tuple[str, int]:
        """With the credentials that AWS finds in the environment, of a pod or of a machine."""

    def generate_auth_token_from_profile(self, region: str, aws_profile: str) -> tuple[str, int]:
        """With those of a profile."""

    def generate_auth_token_from_role_arn(
        self, region: str, role_arn: str, sts_session_name: str | None = None
    ) -> tuple[str, int]:
        """With those of a role."""


def token_of(settings: Mapping[str, object], bootstrap: str, signer: Signer | None = None) -> TokenOf:
    """Return what signs a token whenever a client asks for one.

    Raises SetupError where the extra is not installed or no region is known.
    """
    region = _region(settings, bootstrap)
    signs = _installed() if signer is None else signer
    profile, role = settings.get(PROFILE), settings.get(ROLE)

    def token(_config: str) -> tuple[str, float]:
        if role is not None:
            session = str(settings.get(SESSION, "offerstream"))
            signed, end_ms = signs.generate_auth_token_from_role_arn(region, str(role), session)
        elif profile is not None:
            signed, end_ms = signs.generate_auth_token_from_profile(region, str(profile))
        else:
            signed, end_ms = signs.generate_auth_token(region)
        return signed, end_ms / 1000

    return token


def _region(settings: Mapping[str, object], bootstrap: str) -> str:
    in_host = IN_HOST.search(bootstrap)
    given = (
        settings.get(REGION),
        in_host and in_host[1],
        os.environ.get("AWS_REGION"),
        os.environ.get("AWS_DEFAULT_REGION"),
    )
    region = next(filter(None, given), None)
    if region is None:
        raise SetupError(
            f"Kafka setting `{REGION}` must be set beside {MECHANISM}: {bootstrap} does not name it"
        )
    return str(region)


def _installed() -> Signer:
    try:
        module = import_module("aws_msk_iam_sasl_signer.MSKAuthTokenProvider")
    except ModuleNotFoundError:
        raise SetupError(
            f"{MECHANISM} needs the signer of Amazon, which is not installed: pip install 'offerstream[msk]'"
        ) from None
    return cast("Signer", module)
