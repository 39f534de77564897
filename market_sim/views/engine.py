"""The program that `Stills` runs: each line that comes in asks for a picture, each that goes out answers.

Run by its path and not as a module of the package, so that it starts without all that charts are made with.
"""

import json
import sys
from base64 import b64encode
from typing import Any

import vl_convert

WARMING = {  # a picture with a bit of everything: what has been used once is compiled
    "data": {"values": [{"a": 1, "b": "c"}]},
    "title": "a",
    "facet": {"field": "b"},
    "spec": {
        "layer": [{"mark": "area"}, {"mark": "line"}],
        "encoding": {
            "x": {"field": "a", "type": "quantitative"},
            "y": {"field": "a", "type": "quantitative"},
            "color": {"field": "b"},
        },
    },
}


def rendered(spec: str, version: str, dots: int | None) -> bytes:
    """The file of a Vega-Lite specification in JSON: SVG, or PNG of so many dots per inch. Raises ValueError."""
    svg = vl_convert.vegalite_to_svg(spec, vl_version=version)
    return vl_convert.svg_to_png(svg, ppi=dots) if dots else svg.encode()


def answered(order: dict[str, Any]) -> dict[str, str]:
    """The file that an order asks for, in base 64, or why there is none."""
    try:
        content = rendered(order["spec"], order["version"], order["dots"])
    except ValueError as error:
        words = [words for words in str(error).splitlines() if not words.startswith("    at ")]  # no JavaScript trace
        return {"error": " ".join(words)}
    return {"file": b64encode(content).decode()}


def main() -> None:
    """Answer until nothing more comes; the JavaScript engine starts while nothing has."""
    vl_convert.vegalite_to_svg(WARMING)
    for line in sys.stdin:
        print(json.dumps(answered(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
