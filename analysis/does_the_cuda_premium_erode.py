"""Does the CUDA premium erode? What it is year by year, beside automation on each stack and what still locks in.

    python analysis/does_the_cuda_premium_erode.py runs/*

The premium is the share of spending that would move if all stacks were equally mature and ports free, the market
cleared again; it and lock-in are measured at year ends. Reads `signals`.
"""

import polars as pl
from opening import opened, picture, spread

WHOLE_MARKET = ["cuda_premium", "lock_in", "segregation"]

runs, tables, out = opened(__doc__, "signals")
signals = tables["signals"].filter(pl.col("value").is_not_null()).with_columns(year=pl.col("date").dt.year())
yearly = signals.group_by("scenario", "signal", "group", "replicate", "year").agg(
    pl.col("value").sort_by("date").last()
)

for name in WHOLE_MARKET:
    print(f"{name} at the end of each year, median and nine tenths of the replicates:")
    held = yearly.filter(pl.col("signal") == name).group_by("scenario", "year").agg(spread("value"))
    print(held.sort("scenario", "year").collect())

stacks = (
    yearly.filter(pl.col("signal") == "automation").group_by("scenario", "year", "group").agg(pl.col("value").mean())
)
print("Share of kernel work that models do well at the end of each year, by stack:")
print(
    stacks.sort("group")
    .collect()
    .pivot("group", index=["scenario", "year"], values="value", sort_columns=True)
    .sort("scenario", "year")
)

premium = pl.col("value").sort_by("date")
ends = signals.filter(pl.col("signal") == "cuda_premium")
fell = ends.group_by("scenario", "replicate").agg(fell=premium.last() < 0.5 * premium.first())
print("Share of replicates in which the premium at the end is less than half of what it was at the start:")
print(fell.group_by("scenario").agg(pl.col("fell").mean()).sort("scenario").collect())
picture("software", runs, out, "does_the_cuda_premium_erode")
