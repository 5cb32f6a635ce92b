"""The one table of metrics: what Prometheus reads, and which figure of which station it comes from.

Times are in seconds, sizes in bytes.
"""

from collections.abc import Collection
from enum import Enum
from typing import Literal, NamedTuple


class MetricSpec(NamedTuple):
    """What Prometheus knows of a metric before it has a value."""

    kind: Literal["counter", "gauge", "histogram"]
    name: str
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


def _counter(name: str, help_: str, *labels: str) -> MetricSpec:
    return MetricSpec("counter", f"offerstream_{name}", help_, labels)


def _gauge(name: str, help_: str, *labels: str) -> MetricSpec:
    return MetricSpec("gauge", f"offerstream_{name}", help_, labels)


def _histogram(name: str, help_: str, *buckets: float) -> MetricSpec:
    return MetricSpec("histogram", f"offerstream_{name}", help_, (), buckets)


class Metric(Enum):
    """Every metric of the worker."""

    RECORDS = _counter("records_read_total", "Records read; one may hold several events", "topic", "outcome")
    EVENTS = _counter("events_total", "Events read, by outcome", "topic", "outcome")
    IGNORED = _counter("events_ignored_total", "Orders of a till or a test, left out", "topic")
    PARTIAL = _counter("events_partial_total", "Events of whose lines or discounts some were odd", "topic")
    DROPPED = _counter("fields_dropped_total", "Fields not taken as they stood, by name", "topic", "field")
    LATE = _counter("events_late_total", "Events that are late, and processed", "topic")
    LATE_AFTER_IDLE = _counter(
        "events_late_after_idle_total", "Events late only because their partition had been silent", "topic"
    )
    LATE_ORDERS = _counter("late_orders_total", "Orders that are late, and processed", "topic")
    CLAMPED = _counter("events_clamped_total", "Events that claimed to be later than received", "topic")
    REJECTS = _counter("rejects_total", "Events sent to the rejected topic", "class")
    LAG = _gauge("lag_records", "Messages not read yet", "topic", "partition")
    PAUSED = _gauge(
        "partition_paused", "1 while a partition waits for a slower one or for a schema", "topic", "partition"
    )
    UNREAD_PARTITIONS = _gauge(
        "unread_partitions", "Partitions added since the start, not read before a restart", "topic"
    )
    PUBLISHED = _counter("records_published_total", "Records the broker acknowledged", "stream", "type")
    DECISIONS = _counter(
        "decisions_total",
        "Decisions, by the arm chosen and the stage of the rollout",
        "market",
        "arm",
        "stage",
    )
    REWARDS = _counter("rewards_total", "Rewards, by kind", "market", "arm", "kind")
    PROFIT = _gauge("reward_profit", "Sum of profit in the market's currency", "market", "arm")
    DRIFTS = _counter("drift_detected_total", "Drifts, by the figure that moved", "market", "what")

    MODEL_AUC = _gauge("model_auc", "Rolling area under the ROC curve", "market", "carts")
    MODEL_LOG_LOSS = _gauge("model_log_loss", "Rolling log loss in nats", "market", "carts")
    MODEL_CALIBRATION_ERROR = _gauge(
        "model_calibration_error", "Rolling expected calibration error", "market", "carts"
    )
    MODEL_BASE_RATE = _gauge("model_base_rate", "Rolling share of carts abandoned", "market", "carts")
    MODEL_OUTCOMES = _gauge("model_outcomes", "Outcomes the model was compared with", "market", "carts")

    CHOICE_ENTROPY = _gauge(
        "choice_entropy", "Entropy of recently drawn arms: 0 always the same, 1 all equally often", "market"
    )
    PROBABILITY_ENTROPY = _gauge(
        "probability_entropy", "Mean entropy of the probabilities they were drawn with, 0 to 1", "market"
    )
    CONTROLS_VERSION = _gauge("controls_version", "Version of the controls in force", "market")
    POLICY_UPDATES = _gauge("policy_updates", "Updates of the policy", "market")
    CROWDED_FEATURES = _gauge(
        "crowded_features", "Text features with more words than the policy tells apart", "market"
    )
    REWARD_SILENCE = _gauge(
        "reward_silence_seconds", "Event time since an order was attributed to a decision", "market"
    )
    MISSED_REWARDS = _gauge(
        "missed_rewards",
        "Orders that should have been attributed to decisions since then, at the usual rate",
        "market",
    )
    CONVERSION = _gauge("conversion", "Share of decisions with an order in their window", "market")
    ORDERS_SEEN = _gauge("orders_seen", "Orders that reached the market", "market")
    BUDGET_OVERRUN = _gauge(
        "budget_overrun",
        "Money that offers cost beyond budgets, redeemed after their reservation was given back",
        "market",
    )
    BUDGET_AMOUNT = _gauge("budget_amount", "Money of a budget in its period of now", "market", "budget")
    BUDGET_SPENT = _gauge("budget_spent", "What of it is spent", "market", "budget")
    BUDGET_USED = _gauge(
        "budget_used", "What of it is spent, or reserved for open offers", "market", "budget"
    )
    BUDGET_NUMBER = _gauge("budget_number", "Offers of a budget in its period of now", "market", "budget")
    BUDGET_MADE = _gauge("budget_made", "How many of them were made", "market", "budget")
    BUDGET_ELAPSED = _gauge("budget_elapsed", "Share of that period that is over, 0 to 1", "market", "budget")
    ORDERS_ATTRIBUTED = _gauge("orders_attributed", "Orders attributed to a decision", "market")
    ORDERS_UNATTRIBUTED_SHARE = _gauge(
        "orders_unattributed_share", "Share of recent orders that met no visit, cart or decision", "market"
    )
    ORDERS_UNATTRIBUTED_WITH = _gauge(
        "orders_unattributed_with", "Share of those orders that carried a key", "market", "key"
    )
    NO_ELIGIBLE_ARM_SHARE = _gauge(
        "no_eligible_arm_share", "Share of recent decisions without an eligible arm", "market"
    )
    HOLDOUT_SHARE = _gauge("holdout_share", "Share of units held out, in a sample of units", "market")
    HOLDOUT_P_VALUE = _gauge(
        "holdout_p_value", "Anytime-valid p-value of that share under the configured holdout", "market"
    )

    DEGRADED = _gauge("degraded", "Topics or markets that /healthz gives a reason for", "reason")
    STATE_ITEMS = _gauge("state_items", "Items in the state", "kind")
    STATE_DISK_USED = _gauge("state_disk_used_bytes", "Bytes of disk that a part of the state takes", "part")
    STARTED = _gauge("start_time_seconds", "When the worker started, in seconds since 1970")
    WATERMARK_DELAY = _gauge(
        "watermark_delay_seconds", "Wall clock less the watermark of the slowest partition"
    )
    WATERMARK_STALLED = _gauge("watermark_stalled_seconds", "Time since that watermark moved")
    EPOCH_AGE = _gauge("epoch_age_seconds", "Time since an epoch was sealed")
    PROCESSES = _gauge("processes", "Processes that answer, of a worker of several")
    RESTARTS = _counter("restarts_total", "Restarts of all processes after one had ended")
    EPOCH = _gauge("epoch_seconds", "Time between epochs, as it is set")
    STATE_DISK_SIZE = _gauge("state_disk_size_bytes", "Size of the disk of the state directory")
    STATE_DISK_FREE = _gauge("state_disk_free_bytes", "What is free of it")
    MEMORY_LIMIT = _gauge("memory_limit_bytes", "Memory that the worker may use: a container's, or all")
    SEALS = _histogram(
        "seal_seconds", "Time to seal an epoch",
        0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
    )  # fmt: skip
    LATENCY = _histogram(
        "end_to_end_latency_seconds",
        "From the broker's timestamp of the causing event to the acknowledgement of the offer",
        0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0,
    )  # fmt: skip


class Target(NamedTuple):
    """The metric that a figure goes to, and its last labels; a label before them names the station."""

    metric: Metric
    labels: tuple[str, ...] = ()

    def labels_of(self, station: str) -> tuple[str, ...]:
        """Return all labels of the figure of a station.

        >>> MarketFigure.treated_auc.value.labels_of("de"), ShardFigure.carts.value.labels_of("007")
        (('de', 'treated'), ('carts',))

        A budget is a station of its own: its name follows that of the market.

        >>> BudgetFigure.spent.value.labels_of("de/daily")
        ('de', 'daily')
        """
        is_complete = len(self.labels) == len(self.metric.value.labels)
        return self.labels if is_complete else (*station.split("/"), *self.labels)


def _items(kind: str) -> Target:
    return Target(Metric.STATE_ITEMS, (kind,))


class PartitionFigure(Enum):
    """What a ``PartitionReader`` counts but sums, ``read`` and ``events``; its station is a topic."""

    taken = Target(Metric.RECORDS, ("taken",))
    records_rejected = Target(Metric.RECORDS, ("rejected",))
    processed = Target(Metric.EVENTS, ("processed",))
    duplicate = Target(Metric.EVENTS, ("duplicate",))
    rejected = Target(Metric.EVENTS, ("rejected",))
    late = Target(Metric.LATE)
    late_after_idle = Target(Metric.LATE_AFTER_IDLE)
    late_orders = Target(Metric.LATE_ORDERS)
    clamped = Target(Metric.CLAMPED)
    ignored = Target(Metric.IGNORED)
    partial = Target(Metric.PARTIAL)


class ShardFigure(Enum):
    """What ``Shard.figures`` returns."""

    visits = _items("visits")
    carts = _items("carts")
    timers = _items("timers")
    buffered_events = _items("buffered_events")


class MarketFigure(Enum):
    """What ``MarketStation.figures`` returns."""

    updates = Target(Metric.MODEL_OUTCOMES, ("untreated",))
    auc = Target(Metric.MODEL_AUC, ("untreated",))
    log_loss = Target(Metric.MODEL_LOG_LOSS, ("untreated",))
    calibration_error = Target(Metric.MODEL_CALIBRATION_ERROR, ("untreated",))
    base_rate = Target(Metric.MODEL_BASE_RATE, ("untreated",))
    treated_outcomes = Target(Metric.MODEL_OUTCOMES, ("treated",))
    treated_auc = Target(Metric.MODEL_AUC, ("treated",))
    treated_log_loss = Target(Metric.MODEL_LOG_LOSS, ("treated",))
    treated_calibration_error = Target(Metric.MODEL_CALIBRATION_ERROR, ("treated",))
    treated_base_rate = Target(Metric.MODEL_BASE_RATE, ("treated",))
    choice_entropy = Target(Metric.CHOICE_ENTROPY)
    probability_entropy = Target(Metric.PROBABILITY_ENTROPY)
    policy_updates = Target(Metric.POLICY_UPDATES)
    controls_version = Target(Metric.CONTROLS_VERSION)
    reward_silence_seconds = Target(Metric.REWARD_SILENCE)
    missed_rewards = Target(Metric.MISSED_REWARDS)
    conversion = Target(Metric.CONVERSION)
    budget_overrun = Target(Metric.BUDGET_OVERRUN)
    orders_seen = Target(Metric.ORDERS_SEEN)
    orders_attributed = Target(Metric.ORDERS_ATTRIBUTED)
    orders_unattributed_share = Target(Metric.ORDERS_UNATTRIBUTED_SHARE)
    unattributed_with_visitor = Target(Metric.ORDERS_UNATTRIBUTED_WITH, ("visitor",))
    unattributed_with_user = Target(Metric.ORDERS_UNATTRIBUTED_WITH, ("user",))
    unattributed_with_cart = Target(Metric.ORDERS_UNATTRIBUTED_WITH, ("cart",))
    unattributed_with_checkout = Target(Metric.ORDERS_UNATTRIBUTED_WITH, ("checkout",))
    unattributed_with_code = Target(Metric.ORDERS_UNATTRIBUTED_WITH, ("code",))
    unattributed_with_offer = Target(Metric.ORDERS_UNATTRIBUTED_WITH, ("offer",))
    no_eligible_arm_share = Target(Metric.NO_ELIGIBLE_ARM_SHARE)
    holdout_share = Target(Metric.HOLDOUT_SHARE)
    holdout_p_value = Target(Metric.HOLDOUT_P_VALUE)
    open_decisions = _items("open_decisions")
    unrecovered_decisions = _items("unrecovered_decisions")
    foreign_feedback = _items("foreign_feedback")
    erased_persons = _items("erased_persons")
    erased_windows = _items("erased_windows")
    crowded_features = Target(Metric.CROWDED_FEATURES)
    cart_treatments = _items("cart_treatments")
    budget_reservations = _items("budget_reservations")
    buffered_rows = _items("buffered_rows")


class BudgetFigure(Enum):
    """What ``BudgetRule.budgets`` returns for each of them; the station is ``MARKET/BUDGET``."""

    amount = Target(Metric.BUDGET_AMOUNT)
    spent = Target(Metric.BUDGET_SPENT)
    used = Target(Metric.BUDGET_USED)
    number = Target(Metric.BUDGET_NUMBER)
    made = Target(Metric.BUDGET_MADE)
    elapsed = Target(Metric.BUDGET_ELAPSED)


StationFigure = type[ShardFigure] | type[MarketFigure] | type[BudgetFigure]


def figures_table(names: Collection[str]) -> StationFigure:
    """Return the table that has all of these figures; raises ValueError where none has.

    >>> figures_table(["visits", "cart"])
    Traceback (most recent call last):
    ValueError: the figures of a station must be those of its table; got visits, cart
    """
    for table in (ShardFigure, MarketFigure, BudgetFigure):
        if table.__members__.keys() >= set(names):
            return table
    raise ValueError(f"the figures of a station must be those of its table; got {', '.join(names)}")
