"""What the log says: every kind of line once, with its event name, its words, and what it means.

A line is for people by its words and for machines by ``event`` and its fields. Both are made here, and the
reference page of the log is made of this table.
"""

import logging
from enum import Enum
from typing import Final, Literal, NamedTuple

Level = Literal["debug", "info", "warning", "error", "critical"]
LEVELS: Final[dict[Level, int]] = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
}


class Line(NamedTuple):
    """A kind of line: its level, its words with the fields in braces, and what it means to an operator."""

    level: Level
    words: str
    meaning: str


class LogEvent(Enum):
    """All lines that the code writes; the name of a member, in lower case, is the event's."""

    STARTED = Line(
        "info",
        "started{process_of}: {packages}; policy {policy}; reads {topics} in {partitions} partitions from "
        "{bootstrap}{schemas_from}; state {state}, first started {first_started}; metrics on {metrics}",
        "the worker reads from now on",
    )
    STOPPED = Line("info", "stopped: {why}", "the worker has sealed its last epoch and ends")
    STOP_OVERDUE = Line(
        "error",
        "not ended {seconds:.0f} s after it was asked to: ended now; the next start repeats what was not "
        "sealed",
        "brokers did not answer while it stopped; nothing is lost",
    )
    PROCESSES_STARTED = Line(
        "info", "started {processes} processes; metrics on {metrics}", "a worker of several processes is up"
    )
    PROCESSES_RESTARTED = Line(
        "error",
        "processes ended with {codes}; all start again in {wait_s:.1f} s",
        "one process has ended; look for its own last lines",
    )
    PROCESSES_KILLED = Line(
        "error",
        "the processes do not stop in time, and are killed",
        "the next start repeats what was not sealed",
    )
    PROCESS_FOLLOWED = Line(
        "error",
        "another process has ended, so this one ends too ({reason})",
        "the cause is in the log of the other process",
    )
    PROCESS_FAILED = Line("critical", "this process ends", "a defect; the error follows")
    SUPERVISOR_GONE = Line(
        "error", "the supervisor is gone; this process ends", "somebody has killed the supervisor alone"
    )
    PROCESS_AWAITED = Line(
        "warning", "waiting for process {awaited}", "the other processes of the worker are not up yet"
    )
    DEGRADED = Line(
        "warning", "degraded: {reason}", "`/healthz` gives the same reason; repeated as long as it lasts"
    )
    RECOVERED = Line("info", "no longer degraded: {about}, {subject}", "the reason is over")
    CLOCK_STEPPED = Line(
        "warning", "the machine's clock was set {by}, for good as it seems", "look at the machine's NTP"
    )
    TOPIC_REMADE = Line(
        "warning",
        "topic {topic} was made anew: what was written to the old one is not there",
        "somebody has deleted an output topic",
    )
    PARTITIONS_ADDED = Line(
        "warning",
        "partitions were added: {partitions}; ending, to read them after a restart",
        "the supervisor starts it again; nothing to do",
    )
    POLICY_RESUMED = Line(
        "info",
        "market {market}: policy {policy} resumes after {updates} updates",
        "a restart kept what was learned",
    )
    POLICY_REPLACED = Line(
        "warning",
        "market {market}: policy {policy} starts untrained; the state was of {replaced}",
        "the setting `policy` has changed",
    )
    CONTROLS_RESUMED = Line(
        "info",
        "market {market}: controls version {version} in force",
        "controls have changed the offers file",
    )
    CONTROL_LEFT_OUT = Line(
        "warning",
        "market {market}: controls set {path}, which the offers file has no place for: {reason}",
        "the offers file no longer has what controls changed",
    )
    RECORDS_LOST = Line(
        "warning",
        "{partition} ends at {end}, but {written} was written: records were lost there",
        "a broker has lost what it had acknowledged, or a topic was made anew",
    )
    RECORDS_UNDELIVERED = Line(
        "warning",
        "Kafka: {records} records were still on their way at the end",
        "the next start writes them again",
    )
    RECORDS_REFUSED = Line("error", "Kafka: {reason}", "a topic does not take our records; the worker ends")
    RECORD_CUT = Line(
        "warning", "Kafka: {reason}", "a topic took a rejected record only without a part of it"
    )
    KAFKA_CLIENT = Line(
        "warning", "Kafka: {reason}", "a connection has trouble, which the client repairs by itself"
    )
    CONSUMER_UNCLOSED = Line(
        "warning",
        "Kafka: a consumer is not closed after {seconds:.0f} s; left as it is",
        "a broker does not answer; nothing is lost",
    )
    TOPIC_ID_UNKNOWN = Line(
        "warning", "the id of topic {topic} is not known: {reason}", "a topic made anew would not be noticed"
    )
    TOPIC_LIMIT_UNKNOWN = Line(
        "warning", "{setting} of {topic} is not known: {reason}", "Kafka's default limit is assumed"
    )
    SCHEMA_AWAITED = Line(
        "warning", "reading waits for schema {schema}: {reason}", "the Schema Registry does not answer"
    )
    SCHEMA_REGISTRY_BACK = Line("info", "the Schema Registry answers again", "reading goes on")
    BACKUP_COPIED = Line("info", "backup: copied {databases} databases to {to}", "a backup was taken")
    BACKUP_FAILED = Line("warning", "the backup has failed: {reason}", "take it again; the worker goes on")
    ERASED_COMPACTED = Line(
        "info",
        "erased data: {databases} databases compacted in {seconds:.1f} s",
        "what was erased is in no database file any more",
    )
    ERASED_WAITS = Line(
        "info",
        "erased data: the recovery store is written anew later ({reason})",
        "somebody else reads the store; it is tried again",
    )
    PROBE_FAILED = Line(
        "warning", "/metrics or /healthz cannot be answered: {exception}", "a defect; please report it"
    )
    INPUT_SORTED = Line(
        "warning",
        "{path} is not in the order of time, offset {offset} is {behind} older than one before it: its "
        "events are sorted",
        "a file is sorted first, which takes time and disk",
    )
    PAGE_STARTED = Line("info", "live page on {url}", "the page is there for browsers")
    PAGE_ENDED = Line(
        "warning",
        "the live page has ended with status {status}; it is started again in {seconds:.0f} s, and the "
        "worker goes on",
        "a defect of the page; its own last lines say more",
    )
    PAGE_GONE = Line("debug", "the page has ended before it had its orders", "it is started again")
    PAGE_FAILED = Line("error", "the live page: {reason}", "the page cannot be served as it is set up")
    PAGE_WAITS = Line(
        "warning", "the page cannot read: {reason}", "a broker does not answer, or a topic is not there yet"
    )
    PAGE_READING_FAILED = Line("error", "the page cannot read", "a defect; the error follows; it begins anew")
    PAGE_NOT_RENDERED = Line(
        "error", "the page of {market} cannot be rendered", "a defect; the error follows"
    )
    PAGE_LOGIN = Line("info", "{name} has logged in to the page, to {role}", "somebody has used a token")
    PAGE_CONTROL = Line(
        "info", "{verb} {about}, by {by}, from the page: {change}", "a control was sent from the page"
    )
    SHOPPERS_STARTED = Line(
        "info", "shoppers of {market}: seed {seed}, speed {speed:g}", "simulated shoppers begin"
    )
    SHOPPERS_BEHIND = Line(
        "warning",
        "shoppers are {seconds:.1f} s behind; lower their speed or the visits per hour",
        "the machine is too slow for them",
    )
    SHOPPERS_INTERRUPTED = Line("info", "shoppers interrupted", "Ctrl-C")
    SHOPPERS_DONE = Line(
        "info", "shoppers: {events} events, {feedback} reactions to offers", "they have ended"
    )
    SHOPPERS_UNDELIVERED = Line(
        "warning", "{events} events of the shoppers were not delivered", "the broker did not take them"
    )
    SHOPPERS_GONE = Line("debug", "the shoppers' process had ended already", "nothing to do")

    @property
    def event(self) -> str:
        """Its name in the log."""
        return self.name.lower()


def tell(
    log: logging.Logger, event: LogEvent, *, error: BaseException | None = None, **fields: object
) -> None:
    """Write a line with these fields; ``error`` is shown with where it was raised."""
    line = event.value
    level = LEVELS[line.level]
    if log.isEnabledFor(level):
        words = line.words.format(**fields)
        log.log(
            level, "%s", words, exc_info=error, extra={"event": event.event, "fields": fields}, stacklevel=2
        )
