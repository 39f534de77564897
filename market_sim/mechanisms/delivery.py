"""From an order to capacity in service, and how fast a firm chooses to be.

A lot's site and power are made ready while its chips wait in the vendor's queue; when both are there it is brought up.
The work on a site is gamma distributed around the firm's ordinary time and is done at a speed that the firm chooses
and that congestion slows.
"""

from dataclasses import dataclass

import numpy as np

from market_sim.numerics import exp, kernel, kexp, klog, log
from market_sim.state.rows import SPARE, as_words, copied, copy_row, most, room, widened
from market_sim.state.tables import PROJECT, Pipe, Pipeline

DONE = 1e-9


@dataclass(frozen=True)
class Delivered:
    """What a tick of building brought."""

    pipeline: Pipeline
    finished: np.ndarray  # project rows that entered service (replicate, project)
    finished_at: np.ndarray
    finished_count: np.ndarray
    in_service: np.ndarray  # chips that entered service (replicate, provider, chip)
    for_inventory: np.ndarray  # those of them not built for a contract
    lateness: np.ndarray  # sum of kW * log(actual / promised delay) (replicate, provider)
    completed: np.ndarray  # kW (replicate, provider)
    delay: np.ndarray  # sum of kW * years from order to service (replicate, provider)


@kernel
def _advance(
    rows, count, shipped, speed, power, now, dt, out, out_count, finished, finished_at, finished_count, in_service,
    inventory, lateness, completed, delay, words, out_words, finished_words,
):  # fmt: skip
    """Hand chips to lots first come, first served, then build; see `advance`."""
    for r in range(rows.shape[0]):
        kept = 0
        done = 0
        for i in range(count[r]):
            copy_row(words[r], i, out_words[r], kept)
            row = out[r, kept]
            p, c = row["provider"], row["chip"]
            take = min(row["chips"] - row["received"], shipped[r, p, c])
            if take > 0.0:
                shipped[r, p, c] -= take
                row["received"] += take
                if row["chips"] - row["received"] < DONE * row["chips"]:
                    row["received"] = row["chips"]
            left = dt
            if row["site_left"] > 0.0:
                used = min(left, row["site_left"] / speed[r, p])
                row["site_left"] -= used * speed[r, p]
                left -= used
                if row["site_left"] < DONE:
                    row["site_left"] = 0.0
            if row["site_left"] == 0.0 and row["received"] == row["chips"]:
                used = min(left, row["bring_up_left"])
                row["bring_up_left"] -= used
                left -= used
                if row["bring_up_left"] < DONE:
                    at = now + dt - left
                    kw = row["chips"] * power[c]
                    in_service[r, p, c] += row["chips"]
                    completed[r, p] += kw
                    delay[r, p] += kw * (at - row["ordered"])
                    waited = max(at - row["ordered"], 1e-3)
                    lateness[r, p] += kw * (klog(waited) - klog(max(row["promised"] - row["ordered"], 1e-3)))
                    if row["contract"] < 0:
                        inventory[r, p, c] += row["chips"]
                    copy_row(out_words[r], kept, finished_words[r], done)
                    finished_at[r, done] = at
                    done += 1
                    continue
            kept += 1
        out_count[r] = kept
        finished_count[r] = done


def advance(
    pipeline: Pipeline,
    shipped: np.ndarray,
    speed: np.ndarray,
    power: np.ndarray,
    now: float,
    dt: float,
) -> Delivered:
    """Build for `dt` years. `shipped` chips (replicate, provider, chip) arrive now and must not exceed what waits;
    `speed` (replicate, provider) is site work done per year, `power` (chip,) kW per chip."""
    replicates, used = len(pipeline.rows), room(pipeline.count)
    providers, chips = shipped.shape[1:]
    out, finished = np.empty((replicates, used + SPARE), PROJECT), np.empty((replicates, used), PROJECT)
    finished_at = np.empty((replicates, used))
    out_count, finished_count = np.zeros(replicates, np.int64), np.zeros(replicates, np.int64)
    in_service, inventory = np.zeros((replicates, providers, chips)), np.zeros((replicates, providers, chips))
    lateness, completed, delay = (np.zeros((replicates, providers)) for _ in range(3))
    _advance(
        pipeline.rows, pipeline.count, shipped.copy(), speed, power, now, dt, out, out_count, finished, finished_at,
        finished_count, in_service, inventory, lateness, completed, delay, as_words(pipeline.rows), as_words(out),
        as_words(finished),
    )  # fmt: skip
    return Delivered(
        Pipeline(out, out_count), finished, finished_at, finished_count, in_service, inventory, lateness, completed,
        delay,
    )  # fmt: skip


@kernel
def _start(
    rows, counts, first_id, deals, provider_of, chip_of, chips, built, promised, rent, luck, site, bring_up, now
):
    """Append one lot per built deal and count it."""
    for r in range(rows.shape[0]):
        n = counts[r]
        for d in range(deals[r]):
            if not built[r, d] or chips[r, d] <= 0.0:
                continue
            p = provider_of[r, d]
            row = rows[r, n]
            row["contract"] = first_id[r] + d if first_id[r] >= 0 else -1
            row["provider"], row["chip"], row["chips"] = p, chip_of[r, d], chips[r, d]
            row["received"] = 0.0
            row["site_left"] = site[r, p] * luck[r, p]
            row["bring_up_left"] = bring_up[r]
            row["ordered"] = now
            row["promised"] = now + promised[r, d]
            row["rent"] = rent[r, d]
            n += 1
        counts[r] = n


def start(
    pipeline: Pipeline,
    first_id: np.ndarray,
    deals: np.ndarray,
    provider_of: np.ndarray,
    chip_of: np.ndarray,
    chips: np.ndarray,
    built: np.ndarray,
    promised: np.ndarray,
    rent: np.ndarray,
    luck: np.ndarray,
    site: np.ndarray,
    bring_up: np.ndarray,
    now: float,
) -> Pipeline:
    """Open a lot for each deal (replicate, deal) that is to be built.

    `first_id` is the contract id of the first deal, or -1 where lots are for inventory; `luck` (replicate, provider) a
    gamma draw of mean 1, `site` ordinary site work in years, `promised` years from now, `rent` USD a year. New rows are
    written behind those in use, where nobody looks.
    """
    rows, counts = widened(pipeline.rows, most(pipeline.count + deals)), pipeline.count.copy()
    _start(rows, counts, first_id, deals, provider_of, chip_of, chips, built, promised, rent, luck, site, bring_up, now)
    return Pipeline(rows, counts)


@kernel
def _free(rows, count, freed, freed_count, buyer):
    for r in range(rows.shape[0]):
        for i in range(count[r]):
            row = rows[r, i]
            for f in range(freed_count[r]):
                if freed[r, f] == row["contract"]:
                    row["contract"] = -1
            if buyer[r, row["provider"]] >= 0:
                row["provider"] = buyer[r, row["provider"]]


def reassign(pipeline: Pipeline, freed: np.ndarray, freed_count: np.ndarray, buyer: np.ndarray) -> Pipeline:
    """Lots whose contract (id in `freed`) is gone become inventory; lots of a sold provider go to its buyer.

    `buyer` (replicate, provider) is -1 where nothing was sold.
    """
    if not (freed_count.any() or (buyer >= 0).any()):
        return pipeline
    rows = copied(pipeline.rows)
    _free(rows, pipeline.count, freed, freed_count, buyer)
    return Pipeline(rows, pipeline.count)


@kernel
def _add_up(rows, count, power, waiting, received, building, building_rent):
    for r in range(rows.shape[0]):
        for i in range(count[r]):
            row = rows[r, i]
            p, c = row["provider"], row["chip"]
            waiting[r, p, c] += row["chips"] - row["received"]
            received[r, p, c] += row["received"]
            building[r, p] += row["chips"] * power[c]
            if row["site_left"] > 0.0:
                building_rent[r, p] += row["rent"]


def add_up(pipeline: Pipeline, power: np.ndarray, providers: int) -> Pipe:
    """Sums over the lots under way; `power` (chip,) in kW per chip."""
    replicates, chips = len(pipeline.rows), len(power)
    pipe = Pipe(
        waiting=np.zeros((replicates, providers, chips)),
        received=np.zeros((replicates, providers, chips)),
        building=np.zeros((replicates, providers)),
        building_rent=np.zeros((replicates, providers)),
    )
    _add_up(pipeline.rows, pipeline.count, power, pipe.waiting, pipe.received, pipe.building, pipe.building_rent)
    return pipe


def building_speed(speed_up: np.ndarray, congestion: np.ndarray, building: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Site work done per year: e^x / (1 + c * building / size), x the chosen log speed-up, c congestion."""
    return exp(speed_up) / (1.0 + congestion[:, None] * building / np.maximum(size, 1.0))


def incentive(spend: np.ndarray) -> np.ndarray:
    """Share of its sales that a provider wins from others when it is a little faster.

    With a logit, d log s / d log G = (1 - s) / sigma, so the incentive is 1 - s_ip averaged over labs i with the
    bookings `spend` (replicate, lab, provider) as weights. Where nothing is booked the plain mean.
    """
    out = np.empty((len(spend), spend.shape[2]))
    _incentive(spend, out)
    return out


@kernel
def _incentive(spend, out):
    labs, providers = spend.shape[1], spend.shape[2]
    total, weighted, plain = np.empty(providers), np.empty(providers), np.empty(providers)
    for r in range(spend.shape[0]):
        for p in range(providers):
            total[p], weighted[p], plain[p] = 0.0, 0.0, 0.0
        for i in range(labs):
            whole = 0.0
            for p in range(providers):
                whole += spend[r, i, p]
            for p in range(providers):
                rest = 1.0 - spend[r, i, p] / (whole if whole > 0.0 else 1.0)
                total[p] += spend[r, i, p]
                weighted[p] += spend[r, i, p] * rest
                plain[p] += rest
        for p in range(providers):
            out[r, p] = weighted[p] / total[p] if total[p] > 0.0 else plain[p] / labs


def chosen_speed(
    incentive: np.ndarray, worth: np.ndarray, ordinary: np.ndarray, cost: np.ndarray, cap: np.ndarray
) -> np.ndarray:
    """The log speed-up x that maximises incentive * worth * D (1 - e^-x) - cost * x^2, where D is the ordinary delay.

    The first-order condition x e^x = incentive * worth * D / (2 cost) has one solution, Lambert's W; no worth of
    speed, no effort. All arguments broadcast over (replicate, provider); `cap` bounds e^x.
    """
    z = incentive * worth * ordinary / (2.0 * cost)
    return np.minimum(lambert_w(z), log(cap))


def lambert_w(z: np.ndarray) -> np.ndarray:
    """W(z) for z >= 0 by Halley's iteration (Corless et al. 1996), eight steps from log(1 + z)."""
    out = np.array(z, np.float64, order="C")
    _lambert_w(out.reshape(-1))
    return out


@kernel
def _lambert_w(z):
    for i in range(z.shape[0]):
        w = klog(1.0 + z[i])
        for _ in range(8):
            e = kexp(w)
            f = w * e - z[i]
            w = w - f / (e * (w + 1.0) - (w + 2.0) * f / (2.0 * w + 2.0))
        z[i] = w


def learned_record(record: np.ndarray, lateness: np.ndarray, completed: np.ndarray, memory: np.ndarray) -> np.ndarray:
    """Move each record to what was just seen, by 1 - e^(-completed/memory), both in kW."""
    seen = np.where(completed > 0.0, lateness / np.where(completed > 0.0, completed, 1.0), record)
    weight = 1.0 - exp(-completed / np.maximum(memory, 1.0))
    return record + weight * (seen - record)
