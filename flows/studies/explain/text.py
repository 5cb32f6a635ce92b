"""An explanation as text and as a fragment of HTML; both show its paragraphs and nothing else."""

import html
import textwrap

from schemas.explanation import Explanation, Paragraph


def as_text(found: Explanation, width: int = 100) -> str:
    """Return an explanation for a terminal of so many columns."""
    return "\n\n".join(_text(each, width) for each in found.paragraphs) + "\n"


def as_html(found: Explanation) -> str:
    """Return an explanation as a fragment of HTML: headings of the third level, no style of its own."""
    parts = "".join(map(_html, found.paragraphs))
    return f'<div class="explanation" id="decision-{html.escape(found.moment.decision_id)}">{parts}</div>'


def _text(part: Paragraph, width: int) -> str:
    lines = [part.heading.upper(), *textwrap.wrap(" ".join(part.sentences), width)]
    for each in part.lines:
        lines += textwrap.wrap(each, width, initial_indent="  - ", subsequent_indent="    ")
    return "\n".join(lines)


def _html(part: Paragraph) -> str:
    lines = "".join(f"<li>{html.escape(each)}</li>" for each in part.lines)
    return (
        f"<section><h3>{html.escape(part.heading)}</h3><p>{html.escape(' '.join(part.sentences))}</p>"
        f"{f'<ul>{lines}</ul>' if lines else ''}</section>"
    )
