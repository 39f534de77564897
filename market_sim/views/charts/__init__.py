"""Every chart, drawn once, for the command line, reports, scripts and dashboards.

`CHARTS` holds those that draw run folders, by name: `CHARTS["shares"].draw(read_runs("runs/*"))` is an Altair
chart, `.frames(...)` the few rows behind it. `forest`, `sensitivity_bars` and `hindcast` draw what experiments
answer with.
"""

from market_sim.views.charts.chips import CHIPS
from market_sim.views.charts.evidence import forest, hindcast, sensitivity_bars
from market_sim.views.charts.holdings import CONCENTRATION, SHARES
from market_sim.views.charts.kind import ChartKind, Frames, Tables
from market_sim.views.charts.kinds import PROVIDER_KINDS
from market_sim.views.charts.look import Format, save, specification
from market_sim.views.charts.prices import PRICES
from market_sim.views.charts.software import SOFTWARE
from market_sim.views.charts.tape import TAPE
from market_sim.views.charts.vendor import VENDOR

__all__ = [
    "CHARTS", "ChartKind", "Format", "Frames", "Tables", "forest", "hindcast", "save", "sensitivity_bars",
    "specification",
]  # fmt: skip

CHARTS = {kind.name: kind for kind in (CONCENTRATION, SHARES, PROVIDER_KINDS, VENDOR, SOFTWARE, PRICES, CHIPS, TAPE)}
