"""Who holds the market? The HHI of each market and its largest firms, at the end of every run.

    python analysis/who_holds_the_market.py runs/*

Reads `concentration` and `shares`.
"""

import polars as pl
from opening import opened, picture, spread

MARKETS = ["vendor", "provider", "lab", "platform"]
LARGEST = 3

runs, tables, out = opened(__doc__, "concentration", "shares")

held = pl.col("basis") == "stock", pl.col("market").is_in(MARKETS)
last = pl.col("date") == pl.col("date").max().over("scenario")

hhi = tables["concentration"].filter(*held).filter(last).group_by("scenario", "market").agg(spread("hhi"))
print("HHI of useful compute in service at the end (0 to 1), median and nine tenths of the replicates:")
print(hhi.sort("market", "scenario").select("market", "scenario", "low", "median", "high").collect())

firms = tables["shares"].filter(*held).filter(last)
draws = firms.group_by("scenario").agg(draws=pl.col("replicate").n_unique())
mean = (
    firms.group_by("scenario", "market", "entity")
    .agg(pl.col("share").sum())
    .join(draws, on="scenario")
    .with_columns(share=pl.col("share") / pl.col("draws"))
    .sort("share", descending=True)
)
largest = mean.group_by("scenario", "market", maintain_order=True).head(LARGEST)
named = largest.group_by("market", "scenario", maintain_order=True).agg(
    pl.format("{} {}%", "entity", (100 * pl.col("share")).round(0).cast(pl.Int32)).str.join(", ").alias("largest")
)
print(f"The {LARGEST} largest by mean share:")
print(named.sort("market", "scenario").collect())
picture("concentration", runs, out, "who_holds_the_market")
