"""One self-contained page about some runs: the question, the answer in words, the pictures, the numbers' sources."""

from market_sim.views.report.page import Page, page_of, rendered, report_text, vega_bundle

__all__ = ["Page", "page_of", "rendered", "report_text", "vega_bundle"]
