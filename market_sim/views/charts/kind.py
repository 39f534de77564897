"""What a chart is: its name, what it says, the tables it needs, the frames it draws, and the drawing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from market_sim.views.charts.look import gap
from market_sim.views.labels import labelled

Tables = Mapping[str, pl.LazyFrame]
Frames = Mapping[str, pl.DataFrame]


@dataclass(frozen=True)
class ChartKind:
    """A chart by name.

    `says`: what it shows; `reads`: how to read it, a sentence or two. `aggregate` takes the tables in `needs`,
    each run by its label, and gives frames with a few rows for each date, whatever the number of replicates;
    `picture` draws them.
    """

    name: str
    says: str
    reads: str
    needs: tuple[str, ...]
    aggregate: Callable[[Tables], Frames]
    picture: Callable[[Frames], Any]

    def frames(self, tables: Tables) -> Frames:
        """The rows that are drawn. Raises TableNotRecorded."""
        return self.aggregate(labelled(tables))

    def draw(self, tables: Tables) -> Any:
        """The chart, an Altair one; words in its place where the tables hold nothing. Raises TableNotRecorded."""
        frames = self.frames(tables)
        if not any(frame.height for frame in frames.values()):
            return gap(self.says, "The tables hold no row to draw.")
        return self.picture(frames)
