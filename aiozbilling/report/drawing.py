"""Drawing by vl-convert: a chart as SVG without any script, and what the page's script needs to draw it again."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

__all__ = ["script", "script_spec", "static_svg"]

_SIZE = re.compile(r'^<svg [^>]*?width="(\d+)" height="(\d+)"[^>]*>')
_AXIS_LABEL = re.compile(r' role="graphics-symbol" aria-roledescription="axis" aria-label="[^"]*"')
_NEVER_DRAWN = re.compile(r'<path class="(?:background|foreground)"[^>]*?/>')


def static_svg(spec: dict[str, Any]) -> str:
    """Draw a Vega-Lite chart as an SVG element that takes the width of what it is in."""
    import vl_convert

    drawn: str = vl_convert.vegalite_to_svg(spec)
    # Screen readers get the figure's text and table; paths for the mouse and empty backgrounds are a third of the size.
    drawn = _NEVER_DRAWN.sub("", _AXIS_LABEL.sub("", drawn))
    return _SIZE.sub(r'<svg class="chart" viewBox="0 0 \1 \2" aria-hidden="true">', drawn)


def script_spec(spec: dict[str, Any]) -> dict[str, Any]:
    """Compile a Vega-Lite chart to the Vega that the page's script draws."""
    import vl_convert

    compiled: dict[str, Any] = vl_convert.vegalite_to_vega(spec)
    return compiled


@cache
def script() -> str:
    """Return Vega-Embed with all it needs, as a script that sets ``window.vegaEmbed``.

    It takes three seconds, once in a process, and has 900 kB: the bundle has no way to reach Vega alone.
    """
    import vl_convert

    bundle: str = vl_convert.javascript_bundle("window.vegaEmbed=vegaEmbed;")
    return bundle.replace("</script", "<\\/script").replace("<!--", "<\\!--")
