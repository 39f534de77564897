"""The program that `Stills` runs: each line that comes in asks for a picture, each that goes out answers.

Run by its path and not as a module of the package, so that it starts without all that charts are made with.
"""

import json
import sys

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


def answered(line: str) -> dict[str, str]:
    """The SVG of a Vega-Lite specification behind its version, or why there is none."""
    version, spec = line.split(" ", 1)
    try:
        return {"svg": vl_convert.vegalite_to_svg(spec, vl_version=version)}
    except ValueError as error:
        words = [words for words in str(error).splitlines() if not words.startswith("    at ")]  # no JavaScript trace
        return {"error": " ".join(words)}


def main() -> None:
    """Answer until nothing more comes; the JavaScript engine starts while nothing has."""
    vl_convert.vegalite_to_svg(WARMING)
    for line in sys.stdin:
        print(json.dumps(answered(line)), flush=True)


if __name__ == "__main__":
    main()
