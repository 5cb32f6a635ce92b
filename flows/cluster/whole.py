"""What a worker of several processes exposes: their metrics in one, and whether all of them are well."""

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs

from flows.observability.metric_names import Metric
from flows.observability.page_server import PageServer
from flows.observability.registry import CONTENT_TYPE, exposed_as_one

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

ANSWER_S: Final = 3.0
BAD: Final = ("failed", "stalled", "degraded")
METRICS: Final = "/metrics"
LIVE: Final = "/livez"
PAGES: Final = ("/healthz", LIVE, "/readyz")


class Answer:
    """What one process says at a path; ``body`` is empty where it does not answer."""

    def __init__(self, status: int = 503, body: bytes = b"") -> None:
        self.status = status
        self.body = body


class Whole:
    """The processes of a worker, as far as they run. Bounded by their number."""

    def __init__(self, processes: int) -> None:
        self.processes = processes
        self.restarted = 0
        self._ports: Mapping[int, int] = {}

    def runs(self, ports: Mapping[int, int]) -> None:
        """Ask these ports from now on; more of them may come in."""
        self._ports = ports

    def restarts(self) -> None:
        """Note that all processes are started again."""
        self.restarted += 1
        self._ports = {}

    def ask(self, path: str, process: int) -> Answer:
        """Return what one process says at a path."""
        port = self._ports.get(process)
        if port is None:
            return Answer()
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=ANSWER_S) as answer:
                return Answer(answer.status, answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.read())
        except (OSError, ValueError):
            return Answer()

    def ask_all(self, path: str) -> list[Answer]:
        """Return what each process says at a path, asked all at once."""
        answers = [Answer()] * self.processes

        def ask(process: int) -> None:
            answers[process] = self.ask(path, process)

        threads = [threading.Thread(target=ask, args=(each,), daemon=True) for each in range(self.processes)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return answers

    def metrics(self) -> bytes:
        """Return the metrics of all processes in one exposition."""
        answers = [answer for answer in self.ask_all(METRICS) if answer.status == 200]
        own = {Metric.PROCESSES: float(len(answers)), Metric.RESTARTS: float(self.restarted)}
        return exposed_as_one([answer.body.decode() for answer in answers], own)

    def state(self, path: str) -> tuple[int, dict[str, Any]]:
        """Return the status and the figures of a page on health: those of the process that is worst off.

        One that does not answer is being started again, and killing the supervisor would not help it.
        """
        answers = self.ask_all(path)
        if path == LIVE:
            answers = [answer for answer in answers if answer.body]
        return worst(answers)


def worst(answers: list[Answer]) -> tuple[int, dict[str, Any]]:
    """Return the status and the figures of the whole, from what its processes say about themselves."""
    reasons: list[str] = []
    figures: dict[str, list[Any]] = {}
    statuses: list[str] = []
    for process, answer in enumerate(answers):
        said: dict[str, Any] = {}
        with suppress(ValueError):
            said = json.loads(answer.body)
        if not said:
            said = {"status": "stalled", "reasons": ["it does not answer"]}
        statuses.append(str(said.pop("status", "ok")))
        reasons += [f"process {process}: {each}" for each in said.pop("reasons", [])]
        for name, value in said.items():
            figures.setdefault(name, []).append(value)
    code = max((answer.status for answer in answers), default=200)
    status = next((each for each in BAD if each in statuses), "ok")
    of_all = {name: _worst_figure(values, len(answers)) for name, values in figures.items()}
    return code, {"status": status, "reasons": reasons, **of_all}


def _worst_figure(values: list[Any], processes: int) -> float | None:
    """Return the greatest figure, None unless all processes know theirs."""
    known = [value for value in values if isinstance(value, int | float)]
    return max(known) if len(known) == processes else None


class WholeServer(PageServer):
    """Answers for the whole at the paths at which a process does; with ``?process=1`` for one of them.

    Raises SetupError where it cannot listen.
    """

    def __init__(self, whole: Whole, host: str, port: int) -> None:
        super().__init__(_app(whole), host, port)


def _app(whole: Whole) -> Callable[..., Iterable[bytes]]:
    def app(environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        chosen = parse_qs(environ.get("QUERY_STRING", "")).get("process", [""])[0]
        content = CONTENT_TYPE if path == METRICS else "application/json"
        if chosen.isdecimal() and int(chosen) < whole.processes:
            answer = whole.ask(path, int(chosen))
            status, body = answer.status, answer.body
        elif path == METRICS:
            status, body = 200, whole.metrics()
        elif path in PAGES:
            status, figures = whole.state(path)
            body = json.dumps(figures).encode()
        else:
            status, body, content = 404, f"there are {', '.join((METRICS, *PAGES))}\n".encode(), "text/plain"
        start(f"{status} {'OK' if status == 200 else 'Not OK'}", [("Content-Type", content)])
        return [body]

    return app
