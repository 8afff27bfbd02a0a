"""Draws charts with vl-convert: as SVG without scripts, and as input for the page's script."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import vl_convert

__all__ = ["script", "script_spec", "static_svg"]

_SIZE = re.compile(r'^<svg [^>]*?width="(\d+)" height="(\d+)"[^>]*>')
_AXIS_LABEL = re.compile(r' role="graphics-symbol" aria-roledescription="axis" aria-label="[^"]*"')
_DECIMALS = re.compile(r"\d+\.\d{5,}")  # of coordinates; texts of charts have at most four
_NEVER_DRAWN = re.compile(r'<path class="(?:background|foreground)"[^>]*?/>')


def static_svg(spec: dict[str, Any]) -> str:
    """Draw a Vega-Lite chart as an SVG element that fills the width of its container."""
    drawn: str = vl_convert.vegalite_to_svg(spec)
    # Screen readers get the figure's text and table; paths for the mouse and empty backgrounds are a third of the size.
    drawn = _NEVER_DRAWN.sub("", _AXIS_LABEL.sub("", drawn)).replace(' opacity="1"', "")
    drawn = _DECIMALS.sub(lambda number: f"{float(number[0]):.2f}", drawn)
    return _SIZE.sub(r'<svg class="chart" viewBox="0 0 \1 \2" aria-hidden="true">', drawn)


def script_spec(spec: dict[str, Any]) -> dict[str, Any]:
    """Compile a Vega-Lite chart to the Vega that the page's script draws."""
    compiled: dict[str, Any] = vl_convert.vegalite_to_vega(spec)
    return compiled


@cache
def script() -> str:
    """Return Vega-Embed with its dependencies, as a script that sets ``window.vegaEmbed``.

    This takes three seconds, once per process. The script has 900 kB, because Vega can't be bundled alone.
    """
    bundle: str = vl_convert.javascript_bundle("window.vegaEmbed=vegaEmbed;")
    return bundle.replace("</script", "<\\/script").replace("<!--", "<\\!--")
