"""How sure are we? How wide luck and unknown figures make the answers, and which differences between runs stand out.

    python analysis/how_sure_are_we.py runs/baseline-0-* runs/power_limited-0-*

Runs of one seed share their luck, so the difference is taken replicate by replicate; the first run named is what
the others are compared with. Reads `concentration`.
"""

import dataclasses

import polars as pl
from opening import opened, picture, spread

from market_sim.experiments.compare import difference_of
from market_sim.experiments.metrics import metric_of
from market_sim.views.charts import forest

MARKETS = ["vendor", "provider", "lab", "platform"]

runs, tables, out = opened(__doc__, "concentration")
held = tables["concentration"].filter(pl.col("basis") == "stock", pl.col("market").is_in(MARKETS))
last = held.filter(pl.col("date") == pl.col("date").max().over("scenario"))

wide = last.group_by("scenario", "market").agg(
    *spread("hhi"), error=pl.col("hhi").std() / pl.len().sqrt(), replicates=pl.len()
)
print("HHI at the end: nine tenths of the replicates, and the standard error of its mean:")
print(wide.sort("market", "scenario").collect())

ends = last.select("scenario", "seed", "market", "replicate", "hhi").collect()
names = ends["scenario"].unique(maintain_order=True).to_list()
rows = []
for market in MARKETS:
    metric, of = metric_of(f"{market}/stock/hhi"), ends.filter(pl.col("market") == market)
    first = of.filter(pl.col("scenario") == names[0])
    for name in names[1:]:
        pairs = first.join(of.filter(pl.col("scenario") == name), on=["seed", "replicate"], suffix="_b").sort(
            "replicate"
        )
        found = difference_of(metric, pairs["hhi"].to_numpy(), pairs["hhi_b"].to_numpy())
        rows.append(dataclasses.asdict(found) | {"comparison": name})
if rows:
    print(f"Paired differences from {names[0]}, with 95% intervals of the mean:")
    print(pl.DataFrame(rows).select("comparison", "metric", "pairs", "difference", "low", "high", "luck_removed"))
    picture(forest(rows, a=names[0], b="the others"), runs, out, "how_sure_are_we")
else:
    print("One run alone: name a second of the same seed to see which differences stand out.")
    picture("concentration", runs, out, "how_sure_are_we")
