"""A decision is found in the topics, which are read no further than it takes."""

import pytest

from flows.studies.explain.from_topics import story_in_topics
from schemas.errors import DataError
from schemas.message import Message
from schemas.records import encode
from tests.flows.studies.explain.stories import made, other, outcome, redeemed, reward, story

TOPICS = {"offers": "o", "decisions": "d"}


def message(record):
    tag = getattr(record, "type", None) or record.__struct_config__.tag
    return Message(encode(record), headers=(("ce_type", tag.encode()),))


FOREIGN = [
    Message(b"no JSON of dda7873c0e884161b23b5c63"),
    Message(None, headers=(("ce_type", b"decision"),)),
]


@pytest.fixture
def topics(monkeypatch):
    """Blocks of each topic, the newest first; ``read`` counts those that were read."""
    given = {
        "d": [
            [message(outcome()), message(reward()), *FOREIGN],
            [message(other(0)), message(story().decision), message(other(6))],
            [message(other(12))],
        ],
        "o": [[*FOREIGN, message(redeemed())], [message(made())], []],
    }
    read = dict.fromkeys(given, 0)

    def blocks(_cluster, topic, _ranges):
        for block in given[topic]:
            read[topic] += 1
            yield block

    monkeypatch.setattr("flows.studies.explain.from_topics.ranges_since", lambda *_: {})
    monkeypatch.setattr("flows.studies.explain.from_topics.read_newest_first", blocks)
    return read


def test_it_is_found_with_what_followed_and_nothing_older_is_read(topics):
    found = story_in_topics(None, TOPICS, "dda7873c0e884161b23b5c63-ended", 0.0)
    assert found == story(others=[other(0), other(6)])
    assert topics == {"d": 2, "o": 2}


def test_one_that_is_not_there_is_an_error_that_says_how_far_was_looked(topics):
    with pytest.raises(
        DataError, match=r"topic d has no decision or offer 'nobody' since 1970-01-01.*--since"
    ):
        story_in_topics(None, TOPICS, "nobody", 0.0)
    assert topics == {"d": 3, "o": 0}
