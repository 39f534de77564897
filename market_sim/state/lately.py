"""Answers that are kept while what they follow from stays: the rules of a tick ask for some of them several times."""

from collections.abc import Callable
from functools import wraps
from operator import attrgetter, is_
from typing import Any, TypeVar

from market_sim.state.market import Market

Rule = TypeVar("Rule", bound=Callable[..., Any])

HELD = 2  # answers of each rule: those of before and after the trade of a tick


def lately(*reads: str) -> Callable[[Rule], Rule]:
    """A rule of a market that reads these fields of it alone, and whose last answers are kept.

    A field is named as in "labs.plan". Tables are never written to, so that an answer stands while the same arrays are
    handed in, along with the same of all else that the rule takes. What it answers must not be written to either.
    """
    looked_up = tuple(attrgetter(read) for read in reads)

    def keeping(rule: Rule) -> Rule:
        kept: tuple[tuple[list[Any], Any], ...] = ()

        @wraps(rule)
        def remembered(*given: Any) -> Any:
            nonlocal kept
            asked: list[Any] = []
            for one in given:
                asked += [look(one) for look in looked_up] if isinstance(one, Market) else [one]
            for known, answer in kept:
                if len(known) == len(asked) and all(map(is_, known, asked)):
                    return answer
            answer = rule(*given)
            kept = ((asked, answer), *kept[: HELD - 1])
            return answer

        remembered.reads = frozenset(reads)  # type: ignore[attr-defined]
        return remembered  # type: ignore[return-value]

    return keeping
