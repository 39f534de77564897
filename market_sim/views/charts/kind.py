"""What a chart is: its name, what it says, the tables it needs, the frames it draws, and the drawing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl
from altair.utils.schemapi import debug_mode

from market_sim.views.charts.look import gap
from market_sim.views.labels import labelled

Tables = Mapping[str, pl.LazyFrame]
Frames = Mapping[str, pl.DataFrame]


@dataclass(frozen=True)
class ChartKind:
    """A chart by name.

    `says`: what it shows; `reads`: how to read it, a sentence or two. `aggregate` takes the tables in `needs`,
    each run by its label, and gives frames with a few rows for each date, whatever the number of replicates;
    `picture` draws them. `apart`: runs lie below one another and share nothing, so that each may have a picture.
    """

    name: str
    says: str
    reads: str
    needs: tuple[str, ...]
    aggregate: Callable[[Tables], Frames]
    picture: Callable[[Frames], Any]
    apart: bool = False

    def frames(self, tables: Tables) -> Frames:
        """The rows that are drawn. Raises TableNotRecorded."""
        return self.aggregate(labelled(tables))

    def pieces(self, frames: Frames) -> dict[str, Any]:
        """Run -> its picture where runs stand apart, else nothing -> the picture of all."""
        if not self.apart:
            return {"": self.drawn(frames)}
        runs = dict.fromkeys(
            run for frame in frames.values() if "scenario" in frame.columns for run in frame["scenario"]
        )
        return {run: self.drawn({name: _of_run(frame, run) for name, frame in frames.items()}) for run in runs}

    def draw(self, tables: Tables) -> Any:
        """The chart, an Altair one; words in its place where the tables hold nothing. Raises TableNotRecorded."""
        return self.drawn(self.frames(tables))

    def drawn(self, frames: Frames) -> Any:
        """The chart of what `frames` gave."""
        if not any(frame.height for frame in frames.values()):
            return gap(self.says, "The tables hold no row to draw.")
        with debug_mode(False):  # Altair would check each part whenever two are put together: tests check the whole
            return self.picture(frames)


def _of_run(frame: pl.DataFrame, run: str) -> pl.DataFrame:
    """The rows of one run; a frame that knows no runs stays."""
    return frame.filter(pl.col("scenario") == run) if "scenario" in frame.columns else frame
