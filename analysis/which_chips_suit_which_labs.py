"""Which chips suit which labs? The best chips for each lab's models, and whether it signs for them.

    python analysis/which_chips_suit_which_labs.py runs/*

Fit is useful throughput of one chip over that of the lab's best, so it knows nothing of prices. Reads `fit` and
`contracts`.
"""

import polars as pl
from opening import opened, picture

SHOWN = 3

runs, tables, out = opened(__doc__, "fit", "contracts")

fit = tables["fit"].filter(pl.col("pflops_per_chip").is_not_null())
late = fit.filter(pl.col("date") > pl.col("date").max().over("scenario").dt.offset_by("-1y"))
mean = late.group_by("scenario", "lab", "chip").agg(pl.col("pflops_per_chip", "mfu").mean())
best = mean.with_columns(fit=pl.col("pflops_per_chip") / pl.col("pflops_per_chip").max().over("scenario", "lab"))

spending = pl.col("chips") * pl.col("usd_per_chip_hour")
signed = (
    tables["contracts"].filter(pl.col("lot") != "opening").group_by("scenario", "lab", "chip").agg(usd=spending.sum())
)
share = signed.with_columns(bought=pl.col("usd") / pl.col("usd").sum().over("scenario", "lab")).drop("usd")

both = (
    best.join(share, on=["scenario", "lab", "chip"], how="left").with_columns(pl.col("bought").fill_null(0.0)).collect()
)
top = both.sort("fit", descending=True).group_by("scenario", "lab", maintain_order=True).head(SHOWN)
print(f"The {SHOWN} chips that suit each lab best in the last year (fit, 0-1), MFU, and part of what it signed for:")
print(
    top.select("scenario", "lab", "chip", "fit", "mfu", "bought").sort(
        "scenario", "lab", "fit", descending=[False, False, True]
    )
)

ranks = both.group_by("scenario", "lab").agg(pl.corr("fit", "bought", method="spearman").alias("rank correlation"))
print(
    "Do labs sign for what suits them? Rank correlation of fit and spending over chips (price and supply do the rest):"
)
print(ranks.sort("scenario", "lab"))
picture("chips", runs, out, "which_chips_suit_which_labs")
