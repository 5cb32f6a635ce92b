"""How plots look: plain, light, readable at the width of a phone, in colours that most eyes distinguish."""

import html
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

import plotly.graph_objects as go

INK: Final = "#1f2937"
GRID: Final = "#e5e7eb"
QUIET: Final = "#9ca3af"
MAIN: Final = "#0072b2"
OTHER: Final = "#d55e00"
THIRD: Final = "#009e73"
COLOURS: Final = (
    "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00",
    "#56b4e9", "#b8a600", "#7a5195", "#6b4f2a", "#2f9e9e",
)  # fmt: skip
"""Okabe and Ito's colours without black, then others as far from them as possible."""
NO_OFFER: Final = "#8d99ae"
MAX_NAME: Final = 40


class Section(NamedTuple):
    """One plot with its texts: ``how`` to read it, what it shows ``now``; without data there is no figure."""

    slug: str
    title: str
    how: str
    now: str
    figure: go.Figure | None


def shown(name: str, longest: int = MAX_NAME) -> str:
    """Return a name from the data as a plot may show it: never as markup, never longer than ``longest``.

    >>> shown("<b>ten</b>")
    '&lt;b&gt;ten&lt;/b&gt;'
    """
    cut = name if len(name) <= longest else name[: longest - 1] + "…"
    return html.escape(cut)


def colours(arms: Iterable[str]) -> dict[str, str]:
    """Return a colour for each arm, the same in every plot; that of no offer is grey."""
    named = sorted(arm for arm in arms if arm != "no_offer")
    return {arm: COLOURS[place % len(COLOURS)] for place, arm in enumerate(named)} | {"no_offer": NO_OFFER}


def figure(*traces: Any, height: int = 340, **layout: Any) -> go.Figure:  # noqa: ANN401  plotly checks them
    """Return a figure in the report's style."""
    return styled(go.Figure(list(traces)), height=height, **layout)


def styled(drawn: go.Figure, *, height: int = 340, **layout: Any) -> go.Figure:  # noqa: ANN401  as above
    """Return a figure after it was given the report's style."""
    drawn.update_layout(
        template="none",
        height=height,
        autosize=True,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        font={"family": "system-ui, sans-serif", "size": 12, "color": INK},
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.02, "x": 0, "font": {"size": 11}},
        hovermode="closest",
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        dragmode=False,
    )
    for update in (drawn.update_xaxes, drawn.update_yaxes):
        update(
            automargin=True,
            gridcolor=GRID,
            linecolor=GRID,
            zerolinecolor=GRID,
            title={"standoff": 8},
            fixedrange=True,
        )
    return drawn.update_layout(**layout)
