"""The page as HTML: all of it, or the parts of it that have changed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from flows.live_page.access import Somebody
from flows.live_page.reading import PageReader
from flows.live_page.view import answer, controls, decisions, model, now, offers
from flows.live_page.view.plots import swatch
from flows.live_page.view.seen import Seen

HERE: Final = Path(__file__).parent
PARTS: Final[dict[str, Callable[[Seen], dict[str, Any]]]] = {
    "status": now.status,
    "tiles": now.tiles,
    "answer": answer.answer,
    "diagnosis": now.diagnosis,
    "learning": answer.learning,
    "shares": answer.shares,
    "offers": offers.offers,
    "budgets": offers.budgets,
    "model": model.model,
    "decisions": decisions.decisions,
    "rejects": model.rejects,
    "rollout": controls.rollout,
    "changes": controls.changes,
}
"""The parts of the page in their order: what each is made of, rendered by the template of its name."""


class Renderer:
    """Renders what a reader knows."""

    def __init__(self, reader: PageReader) -> None:
        self._reader = reader
        self._templates = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.globals["swatch"] = swatch

    @property
    def markets(self) -> list[str]:
        """The markets there are."""
        return list(self._reader.state.markets)

    def parts(self, market: str, *, may_act: bool) -> dict[str, str]:
        """Return each part as HTML."""
        with self._reader.lock:
            seen = self._reader.seen(market)
            views = {name: view(seen) for name, view in PARTS.items()}
        return {
            name: self._templates.get_template(f"parts/{name}.html").render(
                **view, market=market, may_act=may_act
            )
            for name, view in views.items()
        }

    def page(self, market: str, somebody: Somebody, **more: Any) -> str:  # noqa: ANN401  what templates take
        """Return the whole page."""
        return self._templates.get_template("page.html").render(
            parts=self.parts(market, may_act=somebody.may_act),
            market=market,
            markets=self.markets,
            somebody=somebody,
            waits_for=self._reader.waits_for,
            **more,
        )

    def decision(self, decision_id: str, somebody: Somebody) -> str | None:
        """Return the page of one decision; None for one that is not known, or no longer."""
        for market in self.markets:
            with self._reader.lock:
                seen = self._reader.seen(market)
                story = seen.market.stories.get(decision_id)
                detail = None if story is None else decisions.detail(seen, story)
            if detail is not None:
                return self.other("decision.html", somebody=somebody, market=market, detail=detail)
        return None

    def other(self, template: str, **given: Any) -> str:  # noqa: ANN401  what templates take
        """Return another page by its template."""
        return self._templates.get_template(template).render(**given)
