"""What does the leading vendor's allocation do? Its buyers' concentration, its backing and its margin, run by run.

    python analysis/what_the_vendors_allocation_does.py runs/multipolar_vendor* runs/baseline*

Reads `concentration`, `shares` and `signals`.
"""

import polars as pl
from opening import opened, picture, spread

VENDOR_SIGNALS = ["vendor_margin", "lead_time", "backing_exposure"]

runs, tables, out = opened(__doc__, "concentration", "shares", "signals")
year = pl.col("date").dt.year().alias("year")

held = tables["shares"].filter(pl.col("market") == "vendor", pl.col("basis") == "revenue")
size = held.group_by("entity").agg(pl.col("share").mean()).sort("share", descending=True)
leader = size.first().collect()["entity"].item()
print(f"The leading vendor by revenue over all runs: {leader}")

buyers = tables["concentration"].filter(pl.col("market") == f"buyers of {leader}", pl.col("basis") == "bookings")
over = buyers.group_by("scenario", "replicate", year).agg(pl.col("hhi").sort_by("date").last())
print(f"HHI of the buyers of {leader} at the end of each year (0 to 1), median and nine tenths of the replicates:")
print(over.group_by("scenario", "year").agg(spread("hhi")).sort("scenario", "year").collect())

own = tables["signals"].filter(pl.col("signal").is_in(VENDOR_SIGNALS), pl.col("group") == leader)
means = own.group_by("scenario", "signal", "unit", year).agg(pl.col("value").mean()).sort("year").collect()
print("Its margin, lead time and exposure to its customers, mean of each year:")
print(means.pivot("signal", index=["scenario", "year"], values="value", sort_columns=True).sort("scenario", "year"))

last = pl.col("date") == pl.col("date").max().over("scenario")
markets = tables["concentration"].filter(pl.col("market").is_in(["provider", "lab"]), pl.col("basis") == "stock", last)
print("Downstream at the end: HHI of clouds and of labs:")
print(markets.group_by("scenario", "market").agg(spread("hhi")).sort("market", "scenario").collect())
picture("vendor", runs, out, "what_the_vendors_allocation_does")
