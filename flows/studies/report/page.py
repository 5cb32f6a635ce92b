"""The page of the report: one HTML file that needs nothing else, not even a network."""

import html
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from flows.studies.report.market_report import MarketReport
from flows.studies.report.plots import OLD_BROWSER, Plots
from flows.studies.report.style import Section
from operators.decisions.verdicts import Level, Verdict

STYLE: Final = (Path(__file__).with_name("page.css")).read_text(encoding="utf-8")
BADGES: Final[dict[Level, str]] = {"good": "good", "watch": "watch", "bad": "wrong", "unknown": "not known"}
POLICY: Final = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src data: blob:; base-uri 'none'"
)
"""What a browser allows the page: to run its own scripts, and to fetch nothing."""


def page(title: str, markets: Sequence[MarketReport]) -> str:
    """Return the page of a run as HTML."""
    name, plots = html.escape(title), Plots()
    body = "".join(_market(number, market, plots) for number, market in enumerate(markets))
    links = "".join(
        f'<a href="#m{number}">{html.escape(market.name)}</a>' for number, market in enumerate(markets)
    )
    nav = f"<nav>Markets: {links}</nav>" if len(markets) > 1 else ""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>offerstream report: {name}</title><style>{STYLE}</style>"
        "</head><body><main>"
        f"<header><h1>Report of {name}</h1><p>What the worker decided, what came of it, and how far to trust "
        "it. Money is in each market's currency, times are UTC.</p>"
        "<noscript><p>A script in this page draws the plots, and scripts are switched off.</p></noscript>"
        f"{OLD_BROWSER}"
        f"{nav}</header>{body or _nothing()}</main>{plots.scripts()}</body></html>\n"
    )


def _nothing() -> str:
    return "<p>This run has no decision and no outcome yet, so there is nothing to show.</p>"


def _market(number: int, market: MarketReport, plots: Plots) -> str:
    tiles = "".join(
        f"<div><dt>{html.escape(name)}</dt><dd>{html.escape(value)}</dd></div>"
        for name, value in market.figures()
    )
    found = "".join(map(_verdict, market.verdicts()))
    promotion = market.promotion()
    criteria = (
        "" if promotion is None else f'<p class="about">{html.escape(_capital(promotion.sentence()))}.</p>'
    )
    drawn = "".join(section(f"m{number}-{each.slug}", each, plots) for each in market.sections())
    return (
        f'<article id="m{number}"><h2>Market {html.escape(market.name)}</h2>'
        f'<p class="about">{html.escape(market.overview.about())}</p><dl class="figures">{tiles}</dl>'
        f'{criteria}<h3>Self-diagnosis</h3><ul class="verdicts">{found}</ul>{drawn}</article>'
    )


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def _verdict(verdict: Verdict) -> str:
    badge = f'<strong class="{verdict.level}">{BADGES[verdict.level]}</strong>'
    return f"<li>{badge}<span>{html.escape(verdict.sentence)}</span></li>"


def section(slug: str, part: Section, plots: Plots) -> str:
    """Return one plot with its texts, or its texts alone where there is nothing to draw."""
    plot = '<p class="empty">Nothing to draw yet.</p>'
    if part.figure is not None:
        plot = plots.place(f"plot-{slug}", part.figure)
    return (
        f'<section id="{slug}"><h3>{html.escape(part.title)}</h3>'
        f'<p class="now">{html.escape(part.now)}</p>{plot}'
        f'<p class="how">{html.escape(part.how)}</p></section>'
    )
