"""Everything that can be set, with its default, read in one place: command line, environment, TOML file."""

import os
import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import BeforeValidator, Field, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from flows.kafka.client_file import read_client_file, with_secrets
from flows.kafka.java_names import translated
from flows.observability.logs import LogFormat, LogLevel
from flows.worker import setting_rules
from flows.worker.setting_types import TOPIC_PATTERN, URL_PATTERN, Pairs, Topic, items_of
from operators.abandonment import models
from operators.abandonment.abandonment_model import OnDrift
from operators.bandits.spec import policy_from_spec
from operators.decisions.settings import ContributionsOf
from operators.decisions.shop_checks import check_default_policy, check_shop
from schemas.adapters import FormatOptions, ProductKey, format_named
from schemas.adapters.pseudonyms import Pseudonyms, read_keys
from schemas.durations import Duration
from schemas.errors import SetupError
from schemas.events import MomentKind
from schemas.shop import EXAMPLE_OFFERS, Shop, load_shop
from schemas.topics import INPUTS, OUTPUTS, TOPICS

PREFIX: Final = "OFFERSTREAM_"
SERVERS: Final = "bootstrap.servers"
SECRETS: Final = frozenset({"kafka", "schema_registry_client"})
"""Settings that may hold a password, so that no error shows them."""
NO_SETTINGS: Final = re.compile(
    PREFIX + r"(CRASH_AT|DATA|CI_WITHOUT|(\w+_)?SERVICE_(HOST|PORT\w*)|(\w+_)?PORT_\d+_(TCP|UDP)\w*|PORT)"
)
"""Variables of the project's tests, and those that Kubernetes makes of a Service called offerstream."""


def _minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


class Settings(BaseSettings):
    """A frozen set of settings. Each can be given as ``OFFERSTREAM_NAME`` or in the file of ``--config``."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")
    toml_file: ClassVar[Path | None] = None

    bootstrap: str = Field("127.0.0.1:9092", description="Kafka brokers, `host:port,host:port`")
    kafka: Pairs = Field({}, description="further librdkafka settings, TLS and SASL among them")
    kafka_file: Path | None = Field(
        None,
        description="file of such settings, `client.properties`; `bootstrap` and `kafka` go before it",
    )
    schema_registry: str | None = Field(
        None, description="URL of a Schema Registry, with which values in Avro are read"
    )
    schema_registry_client: Pairs = Field(
        {}, description="further settings of its client, `basic.auth.user.info` and TLS among them"
    )
    register_schemas: bool = Field(
        default=False, description="register the schemas of what is written there at start, as `TOPIC-value`"
    )
    state: Path = Field(Path("state"), description="directory of everything the worker remembers")
    offers: Path = Field(EXAMPLE_OFFERS, description="TOML file of the markets and the offers")
    events_topics: Annotated[tuple[Topic, ...], NoDecode, BeforeValidator(items_of), Field(min_length=1)] = (
        Field((TOPICS["events"],), description="topics to read events from")
    )
    topics: Pairs = Field(
        {}, description="topics that are not called as in the table of topics, `offers=my.offers`"
    )
    flat_offers: bool = Field(
        default=False, description="also publish offers on one level, for tools that take only scalars"
    )
    formats: Pairs = Field({}, description="format of an input topic that is not `native`")
    product_key: ProductKey = Field(
        "product_id",
        description="what identifies a product where a message has both, `product_id` or `sku`",
    )
    partitions: int = Field(8, ge=1, le=1024, description="partitions of topics that are made at start")
    added_partitions: Literal["restart", "warn"] = Field(
        "restart",
        description="what partitions added to input topics do: `restart` ends the worker with exit code 75 so"
        " that it is started again and reads them, `warn` only reports them",
    )
    partition_check: Duration = Field(
        timedelta(seconds=30), description="time between two looks for added partitions"
    )
    begin: Literal["earliest", "latest"] = Field("latest", description="what a first start reads")
    group: str = Field("offerstream", description="consumer group that shows the worker's progress")
    shadow: bool = Field(
        default=False, description="decide and log, but publish no offer, whatever the rollout of a market"
    )
    emit_after: datetime | None = Field(
        None, description="no decision on moments before; unset: before the first start"
    )
    epoch: Duration = Field(timedelta(seconds=10), description="time between snapshots of the state")
    stop_within: Duration = Field(
        timedelta(seconds=20), description="how long SIGTERM waits for brokers that do not answer"
    )
    lateness: Duration = Field(
        timedelta(seconds=10), description="how long timers wait for events that come out of order"
    )
    max_late: Duration = Field(
        timedelta(hours=24), description="age beyond which a late event is rejected; orders excepted"
    )
    watermark_visitors: int = Field(
        64, ge=1, le=10_000, description="distinct visitors whose clocks a partition's time is the median of"
    )
    clock_skew: Duration = Field(_minutes(5), description="how far ahead of now an event of a file may be")
    max_lead: Duration = Field(_minutes(5), description="how far one partition may be ahead of another")
    idle_time: Literal["wall", "events"] = Field(
        "wall", description="what moves time in a silent partition; `events` for simulated time only"
    )
    max_event_bytes: int = Field(1_000_000, ge=1000, description="longest event that is taken")
    session_gap: Duration = Field(_minutes(30), description="silence that ends a visit")
    idle_after: Duration = Field(_minutes(2), description="silence after which a cart is idle")
    cart_recovery: Duration = Field(timedelta(hours=24), description="time in which an order recovers a cart")
    triggers: Annotated[frozenset[MomentKind], NoDecode, BeforeValidator(items_of)] = Field(
        frozenset({"cart_idle"}), description="moments that lead to decisions"
    )
    policy: str = Field("linear_thompson", description="contextual bandit that chooses")
    model: str = Field("logistic", description="model of cart abandonment")
    on_drift: OnDrift = Field(
        "report",
        description="what a detected drift does: `report` only says so, `forget` lets the model learn as fast"
        " as a new one, `reset` trains a new one that takes over once it predicts better",
    )
    seed: int = Field(0, ge=0, description="seed of everything random")
    contributions: ContributionsOf = Field(
        "all",
        description="which decisions say what each feature added to the score and to the choice, for "
        "`explain`: `all`, those that make `offers`, `none`",
    )
    correction: Duration = Field(timedelta(days=7), description="how long an order corrects a decision")
    erasure_memory: Duration = Field(
        timedelta(days=30), description="how long what an erased person did before the erasure is refused"
    )
    erasure_cleaning: Duration = Field(
        _minutes(5), description="time between two rewrites of the state's files, where somebody was erased"
    )
    pseudonym_key_file: Path | None = Field(
        None,
        description="file of the key with which visitors, users and sessions are given pseudonyms as they are"
        " read; unset: they keep their ids",
    )
    personal_features: Literal["on", "off"] = Field(
        "on",
        description="whether scores and choices may use `visits_before`, `known_user` and `segment`",
    )
    ledger_sync: bool = Field(
        default=False, description="sync each decision to disk: safe against power loss"
    )
    min_free_disk: int = Field(
        64_000_000,
        ge=0,
        description="bytes free on the disk of the state, below which the worker ends in order",
    )
    metrics_port: int = Field(9464, ge=0, le=65535, description="port of metrics, health and probes; 0: any")
    metrics_host: str = Field("127.0.0.1", description="address of metrics, health and probes")
    ui: str | None = Field(
        None, description="address of the live page, `127.0.0.1:8464`; unset: there is none"
    )
    ui_tokens: Path | None = Field(
        None, description="file of those who may see the live page and act on it, `act NAME TOKEN` a line"
    )
    ui_access: Literal["act", "read"] = Field(
        "act", description="what everybody may do on the live page where there is no `ui_tokens`"
    )
    stall_after: Duration = Field(_minutes(2), description="silence of epochs or watermark that is unhealthy")
    hang_after: Duration = Field(
        _minutes(5), description="how long the loop may stand still before `/livez` says so"
    )
    log_format: LogFormat = Field("text", description="how the log is written: lines, or a JSON object each")
    log_level: LogLevel = Field("info", description="the least level of what the log has")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return where settings come from: arguments first, then the environment, then the file."""
        del dotenv_settings, file_secret_settings
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, cls.toml_file)

    @field_validator("policy")
    @classmethod
    def _policy(cls, words: str) -> str:
        try:
            policy_from_spec(words, seed=0)
        except SetupError as error:
            raise ValueError(str(error).removeprefix("policy ")) from None
        return words

    @field_validator("model")
    @classmethod
    def _model(cls, name: str) -> str:
        return _among(name, models.MODELS)

    @field_validator("bootstrap")
    @classmethod
    def _bootstrap(cls, brokers: str) -> str:
        if "@" in brokers:
            raise ValueError("must be brokers like `host:port`; got one with a login, which belongs in KAFKA")
        return brokers

    @field_validator("schema_registry")
    @classmethod
    def _schema_registry(cls, url: str | None) -> str | None:
        if url is not None and not all(URL_PATTERN.fullmatch(each.strip()) for each in url.split(",")):
            got = "one with a login, which belongs in SCHEMA_REGISTRY_CLIENT" if "@" in url else repr(url)
            raise ValueError(f"must be a URL like `https://registry:8081`; got {got}")
        return url

    @field_validator("formats")
    @classmethod
    def _formats(cls, formats: dict[str, str]) -> dict[str, str]:
        for form in formats.values():
            try:
                format_named(form)
            except SetupError as error:
                raise ValueError(f"must be formats of topics: {error}") from None
        return formats

    @field_validator("topics")
    @classmethod
    def _topics(cls, topics: dict[str, str]) -> dict[str, str]:
        for name, topic in topics.items():
            if name not in TOPICS or name == "events":
                known = ", ".join(each for each in TOPICS if each != "events")
                raise ValueError(f"must name some of {known}; got {name!r}")
            if not TOPIC_PATTERN.fullmatch(topic):
                raise ValueError(f"must be topics of letters, digits, dots, dashes; got {topic!r}")
        return topics

    @model_validator(mode="before")
    @classmethod
    def _bootstrap_of_file(cls, given: dict[str, Any]) -> dict[str, Any]:
        if given.get("kafka_file") is None:
            return given
        of_file = with_secrets(read_client_file(Path(given["kafka_file"])))
        return {"bootstrap": of_file[SERVERS], **given} if SERVERS in of_file else given

    @model_validator(mode="after")
    def _topics_differ(self) -> "Settings":
        topics = [*self.input_topics, *self.output_topics.values()]
        for topic in topics:
            if topics.count(topic) > 1:
                raise ValueError(f"topics must all be different; got {topic!r} twice")
        of_events = [topic for topic in self.input_topics if topic not in self.market_topics]
        for topic in self.formats:
            if topic not in of_events:
                raise ValueError(f"formats must name topics of events, {', '.join(of_events)}; got {topic!r}")
        return self

    @model_validator(mode="after")
    def _go_together(self) -> "Settings":
        setting_rules.check(dict(self))
        return self

    @property
    def input_topics(self) -> tuple[str, ...]:
        """The topics that are read."""
        others = (self.topic_of(row.name) for row in INPUTS if row.name != "events")
        return (*self.events_topics, *others)

    @property
    def market_topics(self) -> frozenset[str]:
        """The topics that are read whose records are addressed to markets."""
        return frozenset(self.topic_of(row.name) for row in INPUTS if row.of_markets)

    @property
    def topic_partitions(self) -> dict[str, int]:
        """How many partitions each topic gets where it is made at start."""
        own = {self.topic_of(row.name): row.partitions for row in INPUTS if row.partitions is not None}
        return dict.fromkeys((*self.input_topics, *self.output_topics.values()), self.partitions) | own

    @property
    def output_topics(self) -> dict[str, str]:
        """The topics that are written, by the name of their row in the table."""
        written = (row for row in OUTPUTS if row.setting is None or getattr(self, row.setting))
        return {row.name: self.topic_of(row.name) for row in written}

    @property
    def topics_off(self) -> frozenset[str]:
        """The topics that would be written if their setting were on."""
        return frozenset(self.topic_of(row.name) for row in OUTPUTS) - set(self.output_topics.values())

    def pseudonyms(self) -> Pseudonyms | None:
        """Return how visitors are given pseudonyms, None: not at all; SetupError where the file is wrong."""
        return None if self.pseudonym_key_file is None else read_keys(self.pseudonym_key_file)

    def topic_of(self, name: str) -> str:
        """Return the topic of a row of the table; of events the first."""
        return self.events_topics[0] if name == "events" else self.topics.get(name, TOPICS[name])

    def format_of(self, topic: str) -> str:
        """Return the format of an input topic."""
        return self.formats.get(topic, "native")

    @property
    def format_options(self) -> FormatOptions:
        """What is set about the formats."""
        return FormatOptions(product_key=self.product_key)

    def kafka_settings(self) -> dict[str, str]:
        """Return what librdkafka is given, secrets among it; SetupError where a file of it is wrong."""
        of_file = {} if self.kafka_file is None else translated(read_client_file(self.kafka_file))
        of_file.pop(SERVERS, None)
        return with_secrets(of_file | self.kafka)

    def shop(self) -> Shop:
        """Return the shop of the offers file; raises SetupError where it does not fit the settings."""
        shop = load_shop(self.offers)
        try:
            self._check_file(shop)
        except SetupError as error:
            raise SetupError(f"{self.offers}: {error}") from None
        check_default_policy(shop, self.policy)
        return shop

    def check_shop(self, shop: Shop) -> None:
        """Raise SetupError where a shop that controls have changed does not fit the settings."""
        self._check_file(shop)
        check_default_policy(shop, self.policy)

    def _check_file(self, shop: Shop) -> None:
        check_shop(shop, self.correction)
        setting_rules.check_freshness(shop, dict(self))


def _among(name: str, known: Mapping[str, Any]) -> str:
    if name not in known:
        raise ValueError(f"must be one of {', '.join(known)}; got {name!r}")
    return name


def read_settings(config: Path | None = None, **given: Any) -> Settings:  # noqa: ANN401  they are checked here
    """Return the settings from arguments, environment and file; raises SetupError that names the setting."""
    if config is not None and not config.is_file():
        raise SetupError(f"--config must be a TOML file that can be read; got {str(config)!r}")
    _check_environment(os.environ)
    source = type("Settings", (Settings,), {"toml_file": config, "__doc__": Settings.__doc__})
    try:
        return source(**{name: value for name, value in given.items() if value is not None})  # type: ignore[no-any-return]
    except ValidationError as error:
        raise SetupError(_words(error)) from None
    except ValueError as error:
        raise SetupError(f"{config}: {error}") from None


def _check_environment(names: Iterable[str]) -> None:
    """Raise SetupError for a variable that looks like a setting and is none: it would be missed."""
    known = [PREFIX + name.upper() for name in Settings.model_fields]
    for name in sorted(names):
        if name.upper().startswith(PREFIX) and name.upper() not in known and not NO_SETTINGS.fullmatch(name):
            near = get_close_matches(name.upper(), known, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise SetupError(f"{name} in the environment is not a setting{hint}")


def _words(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    name = "_".join(str(part) for part in first["loc"]).upper()
    if first["type"] == "value_error":
        said = str(first["ctx"]["error"])
    elif first["type"] == "extra_forbidden":
        said = "is not a setting"
    else:
        said = first["msg"].replace("Input should", "must")
        if first["loc"][0] not in SECRETS:
            said += f"; got {first['input']!r}"
    return f"{name} {said}" if name else said
