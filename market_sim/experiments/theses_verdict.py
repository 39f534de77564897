"""From effects to a verdict in words: supported, opposed or undecided in this model, and what would change it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from market_sim.experiments.theses_declared import DECISIVE, Thesis
from market_sim.experiments.theses_effects import NEGLIGIBLE, OPEN, OPPOSES, SUPPORTS, Effect

SUPPORTED, OPPOSED, UNDECIDED = "supported", "opposed", "undecided"
ABSENT = "off on both sides"
WORDS = {
    SUPPORTS: "as claimed",
    OPPOSES: "the other way",
    NEGLIGIBLE: "too small to matter",
    OPEN: "not settled",
}


@dataclass(frozen=True)
class Verdict:
    """What became of a thesis: the word, why, and what would change it, a sentence each.

    `parts`: what each measure with a say comes to over the omegas, a few words each.
    """

    thesis: str
    verdict: str
    why: tuple[str, ...]
    change: tuple[str, ...]
    parts: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return {**vars(self), "why": list(self.why), "change": list(self.change), "parts": dict(self.parts)}


def judge(thesis: Thesis, effects: Sequence[Effect]) -> Verdict:
    """Supported where all decisive measures are as claimed at every omega, opposed where none is and none is open."""
    own = [one for one in effects if one.thesis == thesis.name and not one.variant]
    if _absent(own):
        why = "Every effect is exactly zero: the scenario has the mechanism off already."
        return Verdict(thesis.name, ABSENT, (why,), ())
    parts = {one.name: _part(one.name, own, DECISIVE) for one in thesis.decisive}
    votes = [one.vote for part in parts.values() for one in part]
    reasons, told = tuple(map(_reason, parts.values())), {name: _together(part) for name, part in parts.items()}
    return Verdict(thesis.name, _word(votes), reasons, tuple(_changes(thesis, own)), told)


def _together(part: Sequence[Effect]) -> str:
    """What one measure comes to: the same at every omega, or by omega."""
    votes = {one.omega: one.vote for one in part}
    if len(set(votes.values())) == 1:
        return WORDS[part[0].vote]
    return ", ".join(f"{WORDS[vote]} at {omega:g}" for omega, vote in votes.items())


def _absent(own: Sequence[Effect]) -> bool:
    """Whether on and off are the same run: nothing differs."""
    told = [one for one in own if one.effect is not None]
    return bool(told) and all(one.effect == one.low == one.high == 0.0 for one in told)


def _word(votes: Sequence[str]) -> str:
    if votes and all(one == SUPPORTS for one in votes):
        return SUPPORTED
    if votes and all(one in (OPPOSES, NEGLIGIBLE) for one in votes):
        return OPPOSED
    return UNDECIDED


def _part(measure: str, own: Iterable[Effect], years: int) -> list[Effect]:
    return [one for one in own if one.measure == measure and one.years == years]


def _reason(part: Sequence[Effect]) -> str:
    """`NVIDIA's share: too small to matter at omega 0 (+0.001), as claimed at 0.5 and 1 (..)`."""
    groups: dict[str, list[Effect]] = {}
    for one in part:
        groups.setdefault(one.vote, []).append(one)
    told = [f"{WORDS[vote]} at omega {_listed(group)}" for vote, group in groups.items()]
    return f"{part[0].measure}: {'; '.join(told)}."


def _listed(group: Sequence[Effect]) -> str:
    return ", ".join(f"{one.omega:g} ({amount(one)})" for one in group)


def size(effect: Effect) -> str:
    """An effect in words, with a star where its interval leaves out zero."""
    if effect.effect is None:
        return "-"
    certain = effect.low is not None and effect.high is not None and (effect.low > 0.0 or effect.high < 0.0)
    text = f"{effect.effect:+.1%}" if effect.unit.startswith("of its mean") else f"{effect.effect:+.3g}"
    return f"{text}{'*' if certain else ''}"


def amount(effect: Effect) -> str:
    """An effect with its interval, in words."""
    if effect.effect is None or effect.low is None or effect.high is None:
        return "nothing to measure"
    if effect.unit.startswith("of its mean"):
        return f"{effect.effect:+.1%}, {effect.low:+.1%} to {effect.high:+.1%}"
    return f"{effect.effect:+.3g}, {effect.low:+.3g} to {effect.high:+.3g}"


def _changes(thesis: Thesis, own: Sequence[Effect]) -> Iterable[str]:
    for measure in thesis.decisive:
        yield from _by_horizon(measure.name, own)
        yield from _by_parameter(measure.name, own)
    needed = [one.needed for one in own if one.years == DECISIVE and one.needed is not None]
    if needed:
        count = _round(max(needed))
        yield f"More replicates: some {count:,} would likely settle what is open, if effects are as found."


def _by_horizon(measure: str, own: Sequence[Effect]) -> Iterable[str]:
    """Where another horizon says otherwise than the decisive one."""
    decisive = {one.omega: one.vote for one in _part(measure, own, DECISIVE)}
    for years in sorted({one.years for one in own} - {DECISIVE}):
        turned = [one for one in _part(measure, own, years) if one.vote != decisive.get(one.omega) and one.vote != OPEN]
        if turned:
            said = "; ".join(f"{WORDS[one.vote]} at omega {one.omega:g} ({amount(one)})" for one in turned)
            yield f"Another horizon: after {years} years {measure} is {said}."


def _by_parameter(measure: str, own: Sequence[Effect]) -> Iterable[str]:
    """The parameter that the effect goes with most, at the omega where it does so most."""
    driven = [(driver, one) for one in _part(measure, own, DECISIVE) for driver in one.drivers[:1]]
    if driven:
        driver, one = max(driven, key=lambda pair: abs(pair[0].correlation))
        yield (
            f"{driver.parameter}: {measure} moves by {driver.low:+.3g} in the lowest third of its draws and by "
            f"{driver.high:+.3g} in the highest (omega {one.omega:g}, rank correlation {driver.correlation:+.2f})."
        )


def _round(count: int) -> int:
    """To two figures, upwards."""
    unit = 10 ** max(0, len(str(count)) - 2)
    return -(-count // unit) * unit
