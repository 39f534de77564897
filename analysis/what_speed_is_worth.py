"""What is speed worth? The price of faster capacity, what firms do for it, and how fast each kind is.

    python analysis/what_speed_is_worth.py runs/*

The speed premium is hedonic: the fall of log price per year of believed delay, over what was bought. Reads
`signals` and `shares`.
"""

import polars as pl
from opening import opened, picture, spread

KINDS = ["hyperscaler", "neocloud"]
SPEED = ["incentive", "speed_up", "time_to_capacity", "lateness"]

runs, tables, out = opened(__doc__, "signals", "shares")
known = tables["signals"].filter(pl.col("value").is_not_null()).with_columns(year=pl.col("date").dt.year())
yearly = known.group_by("scenario", "signal", "group", "replicate", "year").agg(pl.col("value").mean())

premium = yearly.filter(pl.col("signal") == "speed_premium").group_by("scenario", "year").agg(spread("value"))
print("Speed premium, log price per year of delay; above 0 if speed pays:")
print(premium.sort("scenario", "year").collect())

ways = yearly.filter(pl.col("signal").is_in(SPEED), pl.col("group").is_in(KINDS))
means = ways.group_by("scenario", "signal", "group").agg(pl.col("value").mean()).collect()
print(
    "What speed wins a firm (incentive), how much faster it builds for that, its wait in years, and its lateness (log):"
)
print(means.pivot("group", index=["scenario", "signal"], values="value", sort_columns=True).sort("scenario", "signal"))

wait = yearly.filter(pl.col("signal") == "time_to_capacity", pl.col("group").is_in(KINDS)).collect()
wide = wait.pivot("group", index=["scenario", "replicate", "year"], values="value", sort_columns=True).drop_nulls()
gap = wide.with_columns(months=12.0 * (pl.col("hyperscaler") - pl.col("neocloud")))
print("Months by which neoclouds are faster, median and nine tenths of the replicates:")
print(gap.group_by("scenario", "year").agg(spread("months")).sort("scenario", "year"))
picture("provider_kinds", runs, out, "what_speed_is_worth")
