"""State is structs of arrays whose axes are declared."""

from dataclasses import is_dataclass

import numpy as np
import pytest
from reference.runs import shipped

from market_sim.mechanisms.fit import DIRECTIONS, KINDS
from market_sim.simulation.prepare import prepare
from market_sim.state.sectors import Sectors
from market_sim.state.tables import ASSETS, INSTRUMENTS, Table, axes, misshapen, replace


def test_every_table_has_the_shape_that_its_fields_declare():
    """Replicate first, then the declared axes; another number of labs is told by field and both shapes."""
    setup, market = prepare(shipped("baseline", ticks=2), 0, (0, 1))
    counts = {
        "lab": len(setup.labs), "provider": len(setup.providers), "chip": len(setup.chips),
        "vendor": len(setup.vendors), "stack": len(setup.stacks), "family": len(setup.families),
        "work": len(KINDS), "direction": len(DIRECTIONS), "instrument": len(INSTRUMENTS), "asset": len(ASSETS),
        "contract": market.book.rows.shape[1], "project": market.pipeline.rows.shape[1], "replicate": 2,
        "buyer": len(setup.providers) + len(setup.labs),
        "holder": Sectors(len(setup.vendors), len(setup.providers), len(setup.labs)).holders,
    }  # fmt: skip
    tables = [one for one in vars(market).values() if is_dataclass(one)]
    assert len(tables) == 10
    assert [wrong for table in tables for wrong in misshapen(table, counts)] == []
    assert "Labs.plan has shape" in " ".join(misshapen(market.labs, counts | {"lab": 1}))
    with pytest.raises(TypeError, match="Labs has no field 'plans'"):
        replace(market.labs, plans=np.zeros(1))


def test_a_field_without_axes_fails_when_the_class_is_made():
    """The class is refused, and told by name."""
    with pytest.raises(TypeError, match=r"Loose\.cash declares no axes"):
        type("Loose", (Table,), {"__annotations__": {"power": np.ndarray, "cash": np.ndarray}, "power": axes("lab")})
