"""What an offer is worth to a lab: useful compute over money, both at their worth on the day of signing.

A contract signed at 0 starts after a wait d and runs for a term T (years). Compute that arrives at time t is
worth e^{-(r + o) t} of compute today, r being the cost of capital and o obsolescence; money paid then is
worth e^{-r t}. Payments run evenly over the term, except a share pi of them paid on signing: nobody pays
while waiting but for that share. Per unit of term, with a(x) = (1 - e^-x)/x,

    compute:   G         = e^{-(r + o) d} a((r + o) T)
    payments:  kappa_pay = pi + (1 - pi) e^{-r d} a(r T)
    U = log(throughput delivered) + log G - log(price kappa_pay)
        + template_weight template + affinity + chip_taste - switching

so U is the log of useful PFLOP-hours per USD, plus tastes in the same log units. `delay_dial` scales o in the
wait alone: at 1 a late chip ages like any other, at 0 only money makes waiting dear, above 1 labs feel a
race. The annuity and discounting are the textbook's (Brealey, Myers & Allen, ch. 2); obsolescence as a rate
added to the discount is Jorgenson's (1963, *Am. Econ. Rev.* 53) user cost of capital.
"""

import numpy as np
from numpy.typing import NDArray

from market_sim.numerics import annuity, exp, kannuity, kernel, kexp, klog, log, part
from market_sim.vectors import ksum

__all__ = [
    "best_by_stack",
    "mean_price",
    "outside_worth",
    "payment_factor",
    "useful_life_factor",
    "wait_discount",
    "worth",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Number = Floats | float


def wait_discount(delay: Number, discount: Number, obsolescence: Number, dial: Number = 1.0) -> Floats:
    """e^{-(r + dial o) d}: what is left of a chip's worth after waiting `delay` years; rates a year."""
    return exp(-(np.asarray(discount) + np.multiply(dial, obsolescence)) * delay)


def useful_life_factor(term: Number, discount: Number, obsolescence: Number) -> Floats:
    """a((r + o) T): mean worth of compute over a term of `term` years, seen from its start."""
    return annuity((np.asarray(discount) + obsolescence) * term)


def payment_factor(prepaid: Number, delay: Number, term: Number, discount: Number) -> Floats:
    """kappa_pay: worth on signing of each USD of a contract's price, `prepaid` being the share paid then."""
    due = exp(-np.asarray(discount) * delay) * annuity(np.asarray(discount) * term)
    return prepaid + (1.0 - np.asarray(prepaid)) * due


def outside_worth(reservation_price: Floats) -> Floats:
    """-log r_i: worth of buying nothing, by the USD per useful PFLOP-hour above which a lab rather waits."""
    return -log(reservation_price)


def worth(
    throughput: Floats,
    delivered: Floats,
    price: Floats,
    delay: Floats,
    template: Floats,
    template_weight: Floats,
    affinity: Floats,
    chip_taste: Floats,
    switching: Floats,
    discount: Floats,
    obsolescence: Floats,
    delay_dial: Floats,
    offer_provider: Ints,
    offer_chip: Ints,
    offer_term: Floats,
    prepaid: Floats,
    chip_stack: Ints,
    live: Bools,
    lists: Ints | None = None,
) -> Floats:
    """U (replicate, lab, offer), log useful PFLOP-hours per USD; -inf where an offer can't be had or used.

    throughput (replicate, lab, chip), useful PFLOP/s a chip; delivered (replicate, provider), share of it
    that arrives; price (replicate, list, offer), USD per chip-hour, on the price list that lists (lab,) names
    for each lab, its own unless told; delay (replicate, offer), years, as labs
    believe it; template (replicate, provider), template_weight (replicate, lab), affinity (replicate, lab,
    provider), chip_taste (replicate, lab, chip), switching (replicate, lab, stack), all in log units;
    discount, obsolescence (replicate,), a year; delay_dial (replicate,); offer_term (offer,), years;
    prepaid (offer,) or (replicate, offer), a share; live (replicate, offer).
    """
    utility = np.empty((*throughput.shape[:2], live.shape[1]))
    numbers = (
        throughput, delivered, price, delay, template, template_weight, affinity, chip_taste, switching,
        discount, obsolescence, delay_dial, offer_term, np.broadcast_to(prepaid, live.shape),
    )  # fmt: skip
    lists = np.arange(throughput.shape[1]) if lists is None else lists
    names = (offer_provider, offer_chip, chip_stack, lists)
    arrays = [np.ascontiguousarray(a, np.float64) for a in numbers]
    places = [np.ascontiguousarray(a, np.int64) for a in names]
    _worth(*[*arrays, *places, np.ascontiguousarray(live, np.bool_), utility])
    return utility


def best_by_stack(
    throughput: Floats, price: Floats, live: Bools, offer_chip: Ints, chip_stack: Ints, stacks: int,
    lists: Ints | None = None,
) -> Floats:  # fmt: skip
    """Best log useful PFLOP-hours per USD on each stack (replicate, lab, stack); -inf where nothing is to be had.

    Arrays as in `worth`.
    """
    best = np.zeros((*throughput.shape[:2], stacks))
    lists = np.arange(throughput.shape[1]) if lists is None else lists
    _best_by_stack(throughput, price, lists, live, offer_chip, np.take(chip_stack, offer_chip), best)
    return log(best)


def mean_price(price: Floats, live: Bools) -> Floats:
    """Plain mean price of live offers (replicate, list), 0 where there is none; arrays as in `worth`."""
    out = np.zeros(price.shape[:2])
    _mean_price(price, live, out)
    return out


@kernel
def _mean_price(price, live, out):  # type: ignore[no-untyped-def]
    offers = live.shape[1]
    asked = np.empty(offers)
    for r in range(live.shape[0]):
        count = 0
        for j in range(offers):
            count += 1 if live[r, j] else 0
        for i in range(price.shape[1] if count > 0 else 0):
            for j in range(offers):
                asked[j] = price[r, i, j] if live[r, j] else 0.0
            out[r, i] = ksum(asked) / count


@kernel
def _best_by_stack(throughput, price, lists, live, offer_chip, offer_stack, best):  # type: ignore[no-untyped-def]
    """Most throughput per price; the logarithm, which keeps the order, is left to the caller."""
    offers = np.empty(live.shape[1], np.int64)
    for r in range(live.shape[0]):
        count = _find_live(live[r], offers)
        for i in range(throughput.shape[1]):
            n = lists[i]
            for k in range(count):
                j = offers[k]
                if price[r, n, j] > 0.0:
                    each = throughput[r, i, offer_chip[j]] / price[r, n, j]
                    s = offer_stack[j]
                    best[r, i, s] = each if each > best[r, i, s] else best[r, i, s]


@part
def _kinds(provider, chip, kind, seller, good):  # type: ignore[no-untyped-def]
    """Neighbouring offers of one provider and chip are of one kind: every kind's seller and good; how many kinds."""
    count = 0
    for j in range(provider.shape[0]):
        if j == 0 or provider[j] != provider[j - 1] or chip[j] != chip[j - 1]:
            seller[count], good[count] = provider[j], chip[j]
            count += 1
        kind[j] = count - 1
    return count


@kernel
def _worth(
    throughput, delivered, price, delay, template, template_weight, affinity, chip_taste, switching, discount,
    obsolescence, delay_dial, offer_term, prepaid, offer_provider, offer_chip, chip_stack, lists, live, utility,
):  # type: ignore[no-untyped-def]  # fmt: skip
    """Each log is taken once: of chips and providers, of times, of every list's prices.

    Dead offers are worth -inf by their timing, so that the innermost loop has no branch.
    """
    labs, chips, providers, offers = throughput.shape[1], throughput.shape[2], delivered.shape[1], live.shape[1]
    timing, arrives, by_provider = np.empty(offers), np.empty(providers), np.empty(providers)
    log_throughput, by_chip = np.empty(labs * chips), np.empty(chips)
    value = np.empty((price.shape[1], offers))
    kind, seller, good = np.empty(offers, np.uintp), np.empty(offers, np.uintp), np.empty(offers, np.uintp)
    by_kind = np.empty(_kinds(offer_provider, offer_chip, kind, seller, good))
    for r in range(live.shape[0]):
        _time_factors(delay[r], offer_term, prepaid[r], discount[r], obsolescence[r], delay_dial[r], live[r], timing)
        for n in range(price.shape[1]):
            for j in range(offers):
                value[n, j] = timing[j] - klog(price[r, n, j]) if price[r, n, j] > 0.0 else -np.inf
        for p in range(providers):
            arrives[p] = klog(delivered[r, p])
        each = throughput[r].ravel()
        for k in range(labs * chips):
            log_throughput[k] = klog(each[k])
        for i in range(labs):
            for c in range(chips):
                by_chip[c] = log_throughput[i * chips + c] + chip_taste[r, i, c] - switching[r, i, chip_stack[c]]
            for p in range(providers):
                by_provider[p] = arrives[p] + template_weight[r, i] * template[r, p] + affinity[r, i, p]
            for k in range(by_kind.shape[0]):
                by_kind[k] = by_chip[good[k]] + by_provider[seller[k]]
            row, rest = utility[r, i], value[lists[i]]
            for j in range(offers):
                row[j] = by_kind[kind[j]] + rest[j]


@part
def _find_live(live, offers):  # type: ignore[no-untyped-def]
    """The live offers' numbers into `offers`; how many."""
    count = 0
    for j in range(live.shape[0]):
        offers[count] = j
        count += 1 if live[j] else 0
    return count


@part
def _time_factors(delay, term, prepaid, discount, obsolescence, dial, live, timing):  # type: ignore[no-untyped-def]
    """log G - log kappa_pay of every offer, -inf where it is not live."""
    for j in range(live.shape[0]):
        due = kexp(-discount * delay[j]) * kannuity(discount * term[j])
        paid = prepaid[j] + (1.0 - prepaid[j]) * due
        life = kannuity((discount + obsolescence) * term[j])
        worth = klog(life / paid) - (discount + dial * obsolescence) * delay[j]
        timing[j] = worth if live[j] else -np.inf
