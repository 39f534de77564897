"""Do neoclouds last? Their share of rent year by year, who failed, and how they differ from hyperscalers.

    python analysis/do_neoclouds_last.py runs/*

Reads `signals` and `shares`.
"""

import polars as pl
from opening import opened, picture, spread

KINDS = ["hyperscaler", "neocloud"]
COMPARED = ["time_to_capacity", "utilisation", "useful_price", "provider_leverage"]

runs, tables, out = opened(__doc__, "signals", "shares")
signals = tables["signals"].with_columns(year=pl.col("date").dt.year())

share = (
    signals.filter(pl.col("signal") == "neocloud_share")
    .group_by("scenario", "replicate", "year")
    .agg(pl.col("value").mean())
    .group_by("scenario", "year")
    .agg(spread("value"))
)
print("Neoclouds' share of what clouds earn, median and nine tenths of the replicates:")
print(share.sort("scenario", "year").collect())

failed = signals.filter(pl.col("signal") == "defaults", pl.col("group").is_in(KINDS))
counts = failed.group_by("scenario", "group", "replicate").agg(pl.col("value").sum())
print("Failures in a run, mean over replicates:")
print(
    counts.group_by("scenario", "group")
    .agg(pl.col("value").mean().alias("failures"))
    .sort("scenario", "group")
    .collect()
)

late = pl.col("date") > pl.col("date").max().over("scenario").dt.offset_by("-1y")
ways = signals.filter(pl.col("signal").is_in(COMPARED), pl.col("group").is_in(KINDS), late)
table = ways.group_by("scenario", "signal", "unit", "group").agg(pl.col("value").mean()).collect()
print("Hyperscalers against neoclouds, mean of the last year:")
print(
    table.pivot("group", index=["scenario", "signal", "unit"], values="value", sort_columns=True).sort(
        "scenario", "signal"
    )
)
picture("provider_kinds", runs, out, "do_neoclouds_last")
