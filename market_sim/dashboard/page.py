"""The page: dials on the left, what they do to the market on the right."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas
import polars as pl
import solara
import solara.lab

from market_sim.dashboard import firms
from market_sim.dashboard.dials import DIALS, moved, theses
from market_sim.dashboard.ensemble import CHUNK, Ensemble, Settings, Stopped, differences, simulate
from market_sim.dashboard.overlay import command, overlay_text
from market_sim.results.read import Runs
from market_sim.scenario.files import shipped

HOME = tempfile.TemporaryDirectory(prefix="market-sim-dashboard-")  # the ensembles of this server, gone with it
FIRST: list[str] = ["baseline"]  # the scenario that a new page opens
MOST_REPLICATES, MOST_YEARS = 64, 20
SUBJECTS = ("Concentration", "Clouds", "Difference", "Firms")

STYLE = """
.market-sim { display: grid; grid-template-columns: 300px minmax(0, 1fr); gap: 24px; }
.market-sim-dials, .market-sim-outcome { display: flex; flex-direction: column; gap: 6px; min-width: 0; }
.market-sim-dials .v-input__details { display: none; }
.market-sim-dials { padding-right: 12px; }
.market-sim .v-btn-group { flex-wrap: wrap; height: auto; }
.market-sim-outcome > * { max-width: 100%; overflow-x: auto; }
.vg-tooltip:not(.visible) { display: none; }
.market-sim pre { white-space: pre-wrap; }
@media (max-width: 800px) { .market-sim { grid-template-columns: minmax(0, 1fr); } }
"""

Edit = Callable[[Settings], None]


@solara.component_vue("vega.vue")
def Vega(spec: dict[str, Any], event_picked: Callable[[str], None]) -> None:
    """A chart by its Vega-Lite specification; `event_picked` hears the `entity` of a mark that is clicked."""


def chart(drawn: Any, picked: Callable[[str], None] = lambda _: None) -> None:
    """Show an Altair chart."""
    Vega(spec=drawn.to_dict(), event_picked=picked)


def heading(text: str) -> None:
    """A line of bold text; Solara's Markdown would fetch a typesetter from elsewhere."""
    solara.Text(text, style={"font-weight": "600", "margin-top": "8px"})


@solara.component
def Page() -> None:
    """The whole page; each visitor has settings and an ensemble of their own."""
    settings, edit = solara.use_state(Settings(FIRST[0]))
    found, show = solara.use_state(Ensemble())
    going = solara.use_ref(True)

    def run() -> None:
        going.current = True

        def look(so_far: Ensemble) -> bool:
            show(so_far)
            return bool(going.current)

        try:
            show(simulate(settings, Path(HOME.name), look))
        except Stopped:
            return

    task = solara.lab.use_task(run, dependencies=None)
    solara.Style(STYLE)
    with solara.Div(classes=["market-sim"]):
        with solara.Div(classes=["market-sim-dials"]):
            Running(found, task, lambda: setattr(going, "current", False))
            Controls(settings, edit)
            Keep(settings)
        with solara.Div(classes=["market-sim-outcome"]):
            Outcome(found, settings)


@solara.component
def Layout(children: Any) -> None:
    """Nothing around the page: a title above it."""
    with solara.Column(style={"padding": "12px", "max-width": "1200px", "margin": "0 auto"}):
        solara.HTML("h1", "Who ends up holding the AI-compute market?", style="font-size: 1.4rem")
        solara.Column(children=children)


@solara.component
def Controls(settings: Settings, edit: Edit) -> None:
    """Which scenario, how much of it, and the dials of each thesis."""

    def change(**fields: Any) -> None:
        edit(dataclasses.replace(settings, **fields))

    known = list(dict.fromkeys((settings.scenario, *shipped())))
    solara.Select(
        "Scenario", values=known, value=settings.scenario, on_value=lambda name: change(scenario=name, dials={})
    )
    numbers = (("Replicates", "replicates", CHUNK, MOST_REPLICATES), ("Years", "years", 1, MOST_YEARS))
    for label, name, step, most in numbers:
        bounds = {"min": step, "max": most, "step": step}
        described = {"type": "SliderFloat", "label": label, "value": float(getattr(settings, name))} | bounds
        Input(described, partial(lambda name, value: change(**{name: round(value)}), name))
    inputs = settings.inputs()
    for thesis in theses():
        heading(thesis)
        for dial in DIALS:
            if dial.thesis == thesis:
                turn = partial(lambda key, value: change(dials={**settings.dials, key: value}), dial.key)
                Input(inputs[dial.key], turn)
    solara.Button("Dials as in the scenario", text=True, on_click=lambda: change(dials={}))


@solara.component
def Input(described: dict[str, Any], on_value: Callable[[Any], None]) -> None:
    """One input, described as mesa's SolaraViz describes those of a model."""
    given = {key: value for key, value in described.items() if key != "type"}
    if described["type"] == "Select":
        solara.Select(**given, on_value=on_value)
    else:
        label = f"{given.pop('label')}: {given['value']:.3g}"
        solara.Text(label)
        solara.SliderFloat("", **given, on_value=on_value, thumb_label=False)


@solara.component
def Running(found: Ensemble, task: Any, stop: Callable[[], None]) -> None:
    """Start and stop, and how far it has come."""
    with solara.Row():
        solara.Button("Run", color="primary", disabled=task.pending, on_click=task)
        solara.Button("Stop", disabled=not task.pending, on_click=stop)
    if task.pending:
        solara.ProgressLinear(100.0 * found.progress)
        solara.Text(f"{found.done} of {found.total} replicates" if found.total else "Starting the workers ...")
    if task.error:
        solara.Error(str(task.exception))


@solara.component
def Keep(settings: Settings) -> None:
    """The dials as a scenario file, and the command that repeats the page."""
    scenario = settings.loaded()
    dials = moved(scenario, settings.dials)
    if not dials:
        return
    name = f"{scenario.name}-with-dials"
    link = f"data:application/toml;charset=utf-8,{quote(overlay_text(settings.scenario, name, dials))}"
    solara.HTML("a", "Keep as a scenario file", attributes={"href": link, "download": f"{name}.toml"})
    numbers = {"seed": settings.seed, "replicates": settings.replicates, "ticks": scenario.ticks}
    solara.Preformatted(command(settings.scenario, f"{name}.toml", **numbers))


@solara.component
def Outcome(found: Ensemble, settings: Settings) -> None:
    """What came out so far, by subject."""
    firm, pick = solara.use_state("")
    subject, turn = solara.use_state(SUBJECTS[0])
    runs = found.read()
    if runs is None:
        heading(settings.scenario)
        solara.Text(settings.loaded().about)
        solara.Text("Move a dial, press Run, and watch the bands move.")
        return
    solara.ToggleButtonsSingle(subject, values=list(SUBJECTS), on_value=turn)
    if subject == "Concentration":
        Drawn(runs, "concentration")
    elif subject == "Clouds":
        Drawn(runs, "provider_kinds")
    elif subject == "Difference":
        Differences(found)
    else:
        Firm(runs, firm, pick)


@solara.component
def Drawn(runs: Runs, name: str) -> None:
    """One of the charts that all parts of the program share."""
    from market_sim.views.charts import CHARTS

    chart(CHARTS[name].draw(runs))


@solara.component
def Differences(found: Ensemble) -> None:
    """What the dials change at the end, pair by pair under the same luck."""
    from market_sim.views.charts import forest

    rows = solara.use_memo(lambda: [dataclasses.asdict(one) for one in differences(found)], [found])
    if rows:
        chart(forest(rows, a="untouched", b="with your dials"))
    else:
        solara.Text("Nothing to compare: move a dial and press Run.")


@solara.component
def Firm(runs: Runs, firm: str, pick: Callable[[str], None]) -> None:
    """All firms, and the one that was picked: its share and its contracts."""
    chart(firms.holders_chart(runs), pick)
    solara.Select("Firm", values=["", *firms.firms(runs)], value=firm, on_value=pick)
    if firm:
        chart(firms.firm_chart(runs, firm))
        tape = firms.contracts(runs, firm)
        heading(f"{tape.height} contracts of {firm} in one draw of luck, the largest first")
        solara.DataFrame(
            pandas.DataFrame(tape.with_columns(pl.col(pl.Date).cast(pl.String)).to_dict(as_series=False)),
            items_per_page=10,
            scrollable=True,
        )
