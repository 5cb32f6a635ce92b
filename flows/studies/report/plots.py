"""The plots of a page: their data and the plotting library, compressed, and the script that draws them."""

import base64
import gzip
import html
from pathlib import Path
from typing import Final

import orjson
import plotly.graph_objects as go

LIBRARY: Final = Path(__file__).with_name("plotly-basic.min.js.gz")
"""plotly.js 4.1.1, of npm's plotly.js-basic-dist-min: lines, dots and bars, a quarter of all of it."""
CONFIG: Final = {"displayModeBar": False, "responsive": True, "plotlyServerURL": ""}
DRAW: Final = """
window.drawn = (async () => {
  const unpacked = name => {
    const packed = atob(document.getElementById(name).textContent);
    const bytes = Uint8Array.from(packed, character => character.charCodeAt(0));
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))).text();
  };
  if (!window.DecompressionStream) {
    document.getElementById('old-browser').hidden = false;
    return;
  }
  const library = document.createElement('script');
  library.textContent = await unpacked('plotting-library');
  document.head.append(library);
  const {config, plots} = JSON.parse(await unpacked('plots'));
  for (const [name, {data, layout}] of Object.entries(plots))
    await Plotly.newPlot(name, data, layout, config);
})();
"""
OLD_BROWSER: Final = '<p id="old-browser" hidden>This browser is too old to draw the plots.</p>'


class Plots:
    """Those of one page, by the id of their place in it."""

    def __init__(self) -> None:
        self._figures: dict[str, str] = {}

    def place(self, name: str, figure: go.Figure) -> str:
        """Return the place of a figure in the page; the name must be of that figure alone."""
        self._figures[name] = figure.to_json()
        return (
            f'<div class="plot" style="height:{figure.layout.height}px">'
            f'<div id="{html.escape(name)}" class="plotly-graph-div" style="height:100%"></div></div>'
        )

    def scripts(self) -> str:
        """Return what draws all figures; it comes after their places."""
        if not self._figures:
            return ""
        plots = ",".join(f"{orjson.dumps(name).decode()}:{text}" for name, text in self._figures.items())
        data = f'{{"config":{orjson.dumps(CONFIG).decode()},"plots":{{{plots}}}}}'
        library, packed = LIBRARY.read_bytes(), gzip.compress(data.encode(), mtime=0)
        return f"{_block('plotting-library', library)}{_block('plots', packed)}<script>{DRAW}</script>"


def _block(name: str, packed: bytes) -> str:
    return f'<script type="application/gzip" id="{name}">{base64.b64encode(packed).decode()}</script>'
