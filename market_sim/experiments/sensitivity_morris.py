"""Morris's screening: the mean size of an output's change as one parameter steps from one level to the next.

Morris (1991), Technometrics 33, 161; Campolongo, Cariboni & Saltelli (2007), Environmental Modelling & Software 22,
1509, as SALib computes them. Each trajectory has one draw of luck, so a step's change is the parameter's alone; its
first point is met once more under another draw, which tells what luck does.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from market_sim.experiments.errors import WrongRequest
from market_sim.experiments.indices import EXTRA, Array, Index, Plan, listed, refuse_few, resampled, share_of_luck

LEVELS = 4
INNER = 0.95  # the levels span this part of each distribution, since its ends may lie far out
LEAST = 4


class Morris:
    """Trajectories of parameters + 1 points, and a point more each: (parameters + 2) x samples points."""

    name = "morris"
    main = "mu_star"
    meaning = "`mu_star` mean size of the change over a parameter's range, in the output's unit, `sigma` how it varies"

    def plan(self, count: int, samples: int, seed: int) -> Plan:
        """Trajectories first, then their first points again."""
        refuse_few("morris", samples, LEAST, "one trajectory each")
        if count < 2:
            raise WrongRequest("morris: wanted two parameters or more; one alone needs no screening")
        sample, _ = salib()
        steps = sample.sample(_problem(count), samples, num_levels=LEVELS, seed=seed)
        luck = np.repeat(np.arange(samples), count + 1)
        again = np.arange(samples) * (count + 1)
        places = np.concatenate([steps, steps[again]])
        return Plan(0.5 + INNER * (places - 0.5), np.concatenate([luck, samples + np.arange(samples)]), samples)

    def indices(self, plan: Plan, values: Array, names: tuple[str, ...], confidence: float, seed: int) -> list[Index]:
        """`mu_star` and `sigma` of each parameter in the output's unit; `total`, a share of variance, of luck."""
        _, analyse = salib()
        points = plan.samples * (len(names) + 1)
        steps = (plan.places[:points] - 0.5) / INNER + 0.5
        found = analyse.analyze(
            _problem(len(names)), steps, values[:points], num_levels=LEVELS, num_resamples=RESAMPLED, seed=seed,
            conf_level=confidence,
        )  # fmt: skip
        means, width = np.array(found["mu_star"]), np.array(found["mu_star_conf"])
        spread = np.array(found["sigma"])
        span = self._spread_of_sigma(steps, values[:points], len(names), plan.samples, confidence, seed)
        base = values[:points].reshape(plan.samples, -1)[:, 0]
        luck = share_of_luck(base, values[points:], float(np.var(values[:points])), confidence, seed)
        return [
            *listed("mu_star", means, np.stack([np.maximum(0.0, means - width), means + width]), names),
            *listed("sigma", spread, span, names),
            luck,
        ]

    @staticmethod
    def _spread_of_sigma(steps: Array, values: Array, count: int, samples: int, confidence: float, seed: int) -> Array:
        """Interval of the standard deviation of the elementary effects (2, parameter)."""
        walk = steps.reshape(samples, count + 1, count)
        change = np.diff(values.reshape(samples, count + 1), axis=1)
        step = np.diff(walk, axis=1)
        moved = np.abs(step).argmax(axis=2)
        effects = np.empty((samples, count))
        rows = np.arange(samples)[:, None]
        effects[rows, moved] = change / np.take_along_axis(step, moved[:, :, None], axis=2)[:, :, 0]
        return resampled(samples, lambda chosen: effects[chosen].std(axis=0, ddof=1), confidence, seed)


RESAMPLED = 500  # times that SALib draws trajectories anew


def _problem(count: int) -> dict[str, Any]:
    return {"num_vars": count, "names": [f"x{at}" for at in range(count)], "bounds": [[0.0, 1.0]] * count}


def salib() -> tuple[Any, Any]:
    """SALib's sampling and analysis of Morris. Raises WrongRequest, with the line that installs it."""
    try:
        from SALib.analyze import morris as analyse
        from SALib.sample import morris as sample
    except ImportError:
        raise WrongRequest(f"--method morris {EXTRA}") from None
    return sample, analyse
