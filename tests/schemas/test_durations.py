"""Durations in settings and offer files."""

from datetime import timedelta

import pytest
from pydantic import TypeAdapter, ValidationError

from schemas.durations import Duration, parse_duration, write_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("30m", 1800), ("24h", 86400), ("7d", 604800), ("250ms", 0.25), (" 0s ", 0)],
)
def test_a_duration_is_read_as_people_write_it(text, seconds):
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["-5", "5", "", "1.5h", "m", "5 m", "5w", "9999999999d"])
def test_a_duration_that_is_none_is_refused_in_words(text):
    with pytest.raises(ValueError, match=r"must be a positive duration like `30m`; got '"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["90s", "30m", "36h", "7d", "250ms", "0s"])
def test_a_duration_is_written_as_it_was_read(text):
    assert write_duration(parse_duration(text)) == text


def test_a_setting_must_be_longer_than_zero():
    with pytest.raises(ValidationError, match="must be a positive duration like `30m`; got '0s'"):
        TypeAdapter(Duration).validate_python("0s")


def test_a_setting_is_no_bare_number():
    with pytest.raises(ValidationError, match="must be a positive duration like `30m`; got 30"):
        TypeAdapter(Duration).validate_python(30)
