"""Chips that providers order ahead of contracts, and those that they switch off."""

import numpy as np
from numpy.typing import NDArray

from market_sim.numerics import kernel, klog, part
from market_sim.units import HOURS_PER_YEAR

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

MOST_EAGER = 2.0  # log return beyond which more return orders no more
OF_ROOM = 0.25  # of what sites and money allow goes to inventory in a tick, at most
BELOW_POWER = 1.02  # of what it costs to run: a chip that is quoted no higher is switched off


@part
def _best_to_order(quote, built, delay, fall, may):  # type: ignore[no-untyped-def]
    """The chip (of those that one provider `may` order) whose quote most exceeds its full cost, and log by how much;
    chip 0 and -inf where there is none. Quotes fall by `fall` a year over the delay."""
    chip, best = 0, -np.inf
    for c in range(may.size):
        if may[c]:
            excess = klog(quote[c] / built[c]) - fall * delay[c]
            if excess > best:
                chip, best = c, excess
    return chip, best


@kernel
def _restocked(  # type: ignore[no-untyped-def]
    quote, built, delay, fall, may, in_service, sold, received, waiting, power, sites, target, response, bookings,
    active, room, refill, dt, out,
):  # fmt: skip
    for r in range(out.shape[0]):
        for p in range(out.shape[1]):
            chip, best = _best_to_order(quote[r, p], built[r, p], delay[r, p], fall[r], may[p])
            if best > 0.0 and active[r, p]:
                vacant, fleet, kw, coming = 0.0, 0.0, 0.0, 0.0
                for c in range(out.shape[2]):
                    vacant += max(0.0, in_service[r, p, c] - sold[r, p, c])
                    fleet += in_service[r, p, c]
                    kw += in_service[r, p, c] * power[c]
                    coming += received[r, p, c] + waiting[r, p, c]
                mean_kw = max(kw, 0.5 * sites[r, p]) / max(fleet, 1.0)
                lacking = max(0.0, target[r] * fleet - (vacant + coming)) * mean_kw * refill
                eager = response[r] * min(best, MOST_EAGER) * bookings[r, p] * dt
                out[r, p, chip] = min(eager + lacking, OF_ROOM * room[r, p]) / power[chip]


def restocked(
    quote: Floats, built: Floats, delay: Floats, fall: Floats, may: Bools, in_service: Floats, sold: Floats,
    received: Floats, waiting: Floats, power: Floats, sites: Floats, target: Floats, response: Floats, bookings: Floats,
    active: Bools, room: Floats, refill: float, dt: float,
) -> Floats:  # fmt: skip
    """Chips wanted for inventory over `dt` years (replicate, provider, chip), of the one whose `quote` most exceeds
    what it costs `built`, of those that a provider `may` order (provider, chip), if any does.

    Quotes fall by `fall` (replicate,) a year over the `delay` in years. In proportion to that return, in logs, and to
    recent `bookings` in kW a year, plus the part `refill` of what restores the vacancy `target` (replicate,) of the
    fleet `in_service`, counting what is not `sold` and what is on its way; within a part of the `room` in kW. An
    organisation is as large as its chips in service, or half its `sites` in kW.
    """
    out = np.zeros(in_service.shape)
    _restocked(
        quote, built, delay, fall, may, in_service, sold, received, waiting, power, sites, target, response, bookings,
        active, room, refill, dt, out,
    )  # fmt: skip
    return out


@kernel
def _whole_lots(carry, wanted, on_sale, in_service, room, power, ordered, chip, left):  # type: ignore[no-untyped-def]
    chips = on_sale.shape[1]
    for r in range(room.shape[0]):
        for p in range(room.shape[1]):
            fleet, best = 0.0, 0
            for c in range(chips):
                fleet += in_service[r, p, c]
                left[r, p, c] = carry[r, p, c] + wanted[r, p, c] if on_sale[p, c] else 0.0
                best = c if left[r, p, c] > left[r, p, best] else best
            lot = max(64.0, np.floor(0.01 * fleet))
            fits = np.floor(min(left[r, p, best], room[r, p] / power[best]))
            if fits >= lot:
                ordered[r, p], chip[r, p] = fits, best
                left[r, p, best] -= fits
            for c in range(chips):
                left[r, p, c] = min(left[r, p, c], lot)


def whole_lots(
    carry: Floats, wanted: Floats, on_sale: Bools, in_service: Floats, room: Floats, power: Floats
) -> tuple[Floats, Ints, Floats]:
    """Chips that each provider orders now, of which chip (replicate, provider), and what waits (as `carry`).

    The chip most is wanted of goes, in whole chips and within the `room` in kW, once that makes a lot: a hundredth of
    the fleet and no less than 64. What is `wanted` adds to the `carry` (replicate, provider, chip), which keeps a lot
    at most, and nothing of what is not on sale any more.
    """
    left, ordered, chip = np.empty(carry.shape), np.zeros(room.shape), np.zeros(room.shape, np.int64)
    _whole_lots(carry, wanted, on_sale, in_service, room, power, ordered, chip, left)
    return ordered, chip, left


@kernel
def _placed(chip, chips, quote, delay, optimism, ahead, rent, promised):  # type: ignore[no-untyped-def]
    for r in range(chips.shape[0]):
        for p in range(chips.shape[1]):
            c = chip[r, p]
            ahead[r, p, c] = chips[r, p]
            rent[r, p] = quote[r, p, c] * chips[r, p] * HOURS_PER_YEAR
            promised[r, p] = delay[r, p, c] * (1.0 - optimism[r])


def placed(chip: Ints, chips: Floats, quote: Floats, delay: Floats, optimism: Floats) -> tuple[Floats, Floats, Floats]:
    """Orders of one `chip` a provider: chips (replicate, provider, chip), the rent they will earn in USD a year and the
    years promised, both (replicate, provider).

    At the `quote` in USD per chip-hour and the `delay` expected in years (replicate, provider, chip), which providers
    take for shorter by their `optimism` (replicate,).
    """
    ahead, rent, promised = np.zeros(quote.shape), np.empty(chips.shape), np.empty(chips.shape)
    _placed(chip, chips, quote, delay, optimism, ahead, rent, promised)
    return ahead, rent, promised


@kernel
def _switched_off(quote, avoidable, in_service, sold, part, off, left, by_chip):  # type: ignore[no-untyped-def]
    for r in range(off.shape[0]):
        for p in range(off.shape[1]):
            for c in range(off.shape[2]):
                idle = quote[r, p, c] <= avoidable[r, p, c] * BELOW_POWER
                off[r, p, c] = max(0.0, in_service[r, p, c] - sold[r, p, c]) * part if idle else 0.0
                left[r, p, c] = in_service[r, p, c] - off[r, p, c]
                by_chip[r, c] += off[r, p, c]


def switched_off(
    quote: Floats, avoidable: Floats, in_service: Floats, sold: Floats, part: float
) -> tuple[Floats, Floats, Floats]:
    """A `part` of the vacant chips whose `quote` no longer pays what running them costs, and the chips left in service,
    both (replicate, provider, chip); how many of each chip go (replicate, chip)."""
    off, left, by_chip = np.empty(quote.shape), np.empty(quote.shape), np.zeros((len(quote), quote.shape[2]))
    _switched_off(quote, avoidable, in_service, sold, part, off, left, by_chip)
    return off, left, by_chip
