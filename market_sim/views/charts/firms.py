"""The colours of firms: a firm looks the same in every chart, market and run."""

from __future__ import annotations

from collections.abc import Sequence
from zlib import crc32

from market_sim.views.charts.look import GREY

OTHERS = "all others"
# Okabe and Ito's, darker and paler kin of theirs, so that seven in one stack differ in lightness as well as in hue.
PALETTE = (
    "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442",
    "#004466", "#8C6200", "#00563F", "#8A3F66", "#9AD2F2", "#8F3E00", "#7FCFB9", "#F2BFD8", "#333333",
)  # fmt: skip
NAMED = {
    "NVIDIA": "#00563F", "CUDA": "#00563F",
    "AMD": "#D55E00", "ROCm": "#D55E00",
    "Google": "#56B4E9", "XLA": "#56B4E9", "Google DeepMind": "#56B4E9",
    "AWS": "#E69F00", "Neuron": "#E69F00", "Amazon AGI": "#E69F00",
    "Microsoft": "#0072B2", "Maia SDK": "#0072B2", "Microsoft AI": "#0072B2",
    "Meta": "#004466", "MTIA": "#004466",
    "Huawei": "#8A3F66", "CANN": "#8A3F66",
    "Oracle": "#8F3E00", "CoreWeave": "#CC79A7", "xAI": "#333333",
    "OpenAI": "#009E73", "Anthropic": "#D55E00",
    "Large enterprise": "#F0E442", "Google Search and Ads": "#9AD2F2", "Startups": "#F2BFD8",
    "Rest of world": "#B8B8B8", OTHERS: "#DDDDDD",
}  # fmt: skip


def firm_colours(panels: Sequence[Sequence[str]]) -> dict[str, str]:
    """Firm -> its colour: that of NAMED, else one that follows from its name and that no firm beside it has."""
    names = dict.fromkeys(name for panel in panels for name in panel)
    colours = {name: NAMED[name] for name in names if name in NAMED}
    for name in names:
        if name not in colours:
            beside = {colours.get(mate) for panel in panels if name in panel for mate in panel}
            colours[name] = _free(name, beside)
    return colours


def _free(name: str, taken: set[str | None]) -> str:
    """A colour that follows from the name, the next one where that is taken."""
    first = crc32(name.encode()) % len(PALETTE)
    turned = (*PALETTE[first:], *PALETTE[:first])
    return next((colour for colour in turned if colour not in taken), GREY)
