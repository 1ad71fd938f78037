"""The page: one HTML file with its data, styles and scripts, which asks nobody for anything."""

from __future__ import annotations

import base64
import hashlib
import json
from importlib import resources
from typing import Any

from .data import ReportData

# In this order: later ones use earlier ones.
_SCRIPTS = (
    "elements.js",
    "values.js",
    "charts.js",
    "sections.js",
    "call.js",
    "table.js",
    "page.js",
)

# Inside <script> no tag and no comment begins without "<"; the others are for those who paste the
# JSON elsewhere (XML, old JavaScript).
_ESCAPES = {
    ord("<"): "\\u003c",
    ord(">"): "\\u003e",
    ord("&"): "\\u0026",
    0x2028: "\\u2028",
    0x2029: "\\u2029",
}

_DIGITS = 6
"""Decimals of a number: a millionth of a dollar, a microsecond."""


def page(data: ReportData) -> str:
    """The whole page as text, to be written in UTF-8.

    Nothing of a record becomes markup: it goes in as JSON, and the page's script writes it as text.
    What is allowed to run is named by its hash, and nothing may be loaded from anywhere.
    """
    from plotly.offline import get_plotlyjs

    library = _inlined(get_plotlyjs())
    own = _inlined("(() => {\n'use strict';\n" + "\n".join(map(_asset, _SCRIPTS)) + "\n})();")
    policy = (
        "default-src 'none'; "
        f"script-src {_hash(library)} {_hash(own)}; "
        "style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
    )
    parts = {
        "policy": policy,
        "style": _asset("page.css"),
        "summary": _json(data.summary),
        "details": _json(data.details),
        "library": library,
        "script": own,
    }
    text = _asset("page.html")
    pieces = []
    while text:
        before, mark, rest = text.partition("{{")
        name, _, text = rest.partition("}}")
        pieces += [before, parts[name] if mark else ""]
    return "".join(pieces)


def _json(value: Any) -> str:
    text = json.dumps(_rounded(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    # What a record's JSON could not say either has no place in UTF-8.
    return text.encode("utf-8", "replace").decode().translate(_ESCAPES)


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        # What is no number was not measured.
        return round(value, _DIGITS) if value - value == 0 else None
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_rounded(each) for each in value]
    return value


def _inlined(script: str) -> str:
    """A script's text that ends no element; its hash is that of what the browser sees."""
    return script.replace("</script", "<\\/script").replace("\r\n", "\n")


def _hash(script: str) -> str:
    digest = hashlib.sha256(script.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _asset(name: str) -> str:
    return resources.files(__package__).joinpath("assets").joinpath(name).read_text("utf-8")
