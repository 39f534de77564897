"""Every chart, drawn once, for the command line, reports, scripts and dashboards."""

from market_sim.views.charts.evidence import forest, hindcast, sensitivity_bars
from market_sim.views.charts.holdings import CHARTS, ChartKind
from market_sim.views.charts.look import Format, save

__all__ = ["CHARTS", "ChartKind", "Format", "forest", "hindcast", "save", "sensitivity_bars"]
