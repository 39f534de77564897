"""What a chip does for a lab: the best plans of a short-list under drift, weighed by kernel maturity."""

from dataclasses import dataclass
from operator import truediv

from market_sim.mechanisms.fit.search import KEPT

KINDS = range(5)
TRAINED = range(KEPT[0])
PREFILLED = range(KEPT[0], KEPT[0] + KEPT[1])
DECODED = range(KEPT[0] + KEPT[1], sum(KEPT))
BEST_MFU = 0.8
LEAST_ROOT = 0.5


@dataclass(slots=True, eq=False)
class Work:
    """What a lab does with its chips: tokens of each phase for one useful PFLOP."""

    train: float
    prompt: float  # read before answering
    answer: float
    ideal_work: tuple[float, float]  # useful PFLOP/s of the reference chip in training and serving, by share of hours


@dataclass(slots=True, eq=False)
class Plans:
    """The plans kept for a lab and a chip: seconds [kind][plan], response [direction][kind][plan], peaks in PFLOP/s."""

    seconds: list[list[float]]
    slopes: list[list[list[float]]]
    bends: list[list[list[float]]]
    peaks: tuple[float, float]

    def root(self, drift: list[float], kind: int, plan: int) -> float:
        """1 + y/16: the sixteenth root of how far drift stretches a plan's seconds."""
        y = 0.0
        for x, slope, bend in zip(drift, self.slopes, self.bends, strict=True):
            y += x * (slope[kind][plan] + x * bend[kind][plan])
        return max(1.0 + y / 16.0, LEAST_ROOT)

    def drifted(self, drift: list[float], plan: int) -> list[float]:
        """Seconds by kind of work under a plan after a drift, kernels mature."""
        return [self.seconds[kind][plan] * self.root(drift, kind, plan) ** 16 for kind in KINDS]

    def fastest(self, drift: list[float], kappa: list[float]) -> list[tuple[int, list[float]]]:
        """The best plan of each phase at this drift and maturity, and its seconds by kind of work."""
        best = []
        for plans in (TRAINED, PREFILLED, DECODED):
            seconds = [(plan, self.drifted(drift, plan)) for plan in plans]
            best.append(min(seconds, key=lambda each: sum(map(truediv, each[1], kappa))))
        return best

    def specialised(self, work: Work, drift: list[float], kappa: list[float]) -> list[float]:
        """Seconds by kind of work for one useful PFLOP under the best plans, kernels mature."""
        (_, train), (_, prefill), (_, decode) = self.fastest(drift, kappa)
        return [work.train * train[k] + work.prompt * prefill[k] + work.answer * decode[k] for k in KINDS]

    def gradient(self, work: Work, drift: list[float], kappa: list[float]) -> list[float]:
        """d log throughput / d drift under the best plans."""
        phases = list(zip((work.train, work.prompt, work.answer), self.fastest(drift, kappa), strict=True))
        hours, rise = 0.0, [0.0] * len(drift)
        for tokens, (plan, seconds) in phases:
            for k in KINDS:
                spent = tokens * seconds[k] / kappa[k]
                hours += spent
                for d, x in enumerate(drift):
                    bent = self.slopes[d][k][plan] + 2.0 * x * self.bends[d][k][plan]
                    rise[d] += spent * bent / self.root(drift, k, plan)
        return [-each / hours for each in rise]

    def throughput(self, work: Work, seconds: list[float], kappa: list[float], error: float) -> float:
        """Useful PFLOP/s a chip; an error upwards stops at the best efficiency ever measured."""
        needs = sum(map(truediv, seconds, kappa))
        train, serve = work.ideal_work
        mfu = (train / self.peaks[0] + serve / self.peaks[1]) / ((train + serve) * needs)
        return min(error, max(1.0, BEST_MFU / mfu)) / needs
