"""JavaScript libraries that draw the page's charts. Bundling them takes a second, so the bundle is kept."""

from collections.abc import Iterator, Sequence
from functools import cache
from importlib.metadata import version

import vl_convert

from trig.keys import content_key
from trig.report import charts
from trig.store import Store, fill

SHELF = "libraries"
BUNDLING = 1
"""Cache version: raise it when output-affecting code of the bundle changes."""
EXPOSED = "window.vegaEmbed = vegaEmbed;"


@cache
def bundled() -> str:
    """Vega, Vega-Lite and vega-embed as one script, which exposes `vegaEmbed`."""
    return str(vl_convert.javascript_bundle(EXPOSED, vl_version=charts.VEGA_LITE))


def kept(store: Store) -> str:
    """The same, from the cache where these versions were bundled before."""

    def work(missing: Sequence[str]) -> Iterator[tuple[int, bytes]]:
        yield from ((index, bundled().encode()) for index, _ in enumerate(missing))

    key = content_key(vl_convert=version("vl-convert-python"), vega_lite=charts.VEGA_LITE, exposed=EXPOSED, bundling=BUNDLING)
    list(fill(store, SHELF, {key: EXPOSED}, work, 1))
    return store.get(SHELF, [key])[key].decode()
