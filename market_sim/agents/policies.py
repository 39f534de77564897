"""Where one agent's own policy replaces the vectorised one for its row, and for its row only."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from market_sim.scenario.accept import nearest
from market_sim.scenario.schema import Scenario
from market_sim.state.market import Market
from market_sim.state.setup import Setup

if TYPE_CHECKING:  # mesa takes over a second to import: only runs with a policy of their own pay for it
    from market_sim.agents.firm import AbstractFirm

Names = Sequence[str] | Callable[[Setup], Sequence[str]]
Chosen = Mapping[str, "type[AbstractFirm] | Sequence[type[AbstractFirm]]"]
CLOSE = 0.8  # likeness from which a method counts as a misspelt verb
Row = tuple[str, int]  # kind and place, such as ("vendor", 0)


class PolicyError(ValueError):
    """A policy cannot be used, or answered something that cannot; the message says which, where and why."""


@dataclass(frozen=True)
class Verb:
    """A decision that an agent may take over."""

    meaning: str
    unit: str
    left_out: float | None = None  # what a name means that the answer leaves out; None: as proposed
    least: float = 0.0


VERBS: dict[str, dict[str, Verb]] = {
    "vendor": {
        "allocate": Verb("what each provider gets of this tick's supply", "packages, by provider", 0.0),
        "list_prices": Verb("list price of each of its chips after this tick", "USD per chip, by chip"),
    },
    "provider": {
        "quote": Verb("one-year quote for each chip it deploys after this tick", "USD per chip-hour, by chip"),
        "order": Verb("orders placed this tick ahead of contracts", "chips, by chip", 0.0),
        "speed": Verb("speed-up of its building after this tick", "log, held to 0..3"),
    },
    "lab": {
        "ask": Verb("new run-rate asked for this tick", "USD per hour"),
        "value": Verb("worth of each offer", "log PFLOP-hours per USD, by offer", -np.inf, -np.inf),
    },
}


@dataclass(frozen=True)
class Policies:
    """Agents with a policy of their own by (kind, row), one for each replicate; the rest stays vectorised."""

    own: Mapping[Row, Sequence["AbstractFirm"]] = field(default_factory=dict)

    def decide(
        self, kind: str, verb: str, setup: Setup, market: Market, proposed: np.ndarray, names: Names = ()
    ) -> np.ndarray:
        """`proposed` (R, row, ...) with the rows of agents that define `verb` replaced by what they answer.

        With `names` a row is handed over as a mapping of name to number, without as one number. An agent
        sees the market as it stands at the decision. Raises PolicyError.
        """
        rows = [row for one, row in sorted(self.own) if one == kind]
        acting = [row for row in rows if verb in self.own[kind, row][0].decides()]
        if not acting:
            return proposed
        known = tuple(names(setup) if callable(names) else names)
        decided = proposed.copy()
        for row in acting:
            for r, agent in enumerate(self.own[kind, row]):
                agent.look(setup, market, r)
                decided[r, row] = _answer(agent, verb, proposed[r, row], known)
                agent.look_away()
        return decided


NONE = Policies()


def _answer(agent: "AbstractFirm", verb: str, proposed: np.ndarray, names: tuple[str, ...]) -> Any:
    """Ask the agent for its row, or for the part of it that is the agent's to decide."""
    if not names:
        return _number(agent, verb, "", _call(agent, verb, float(proposed)), float(proposed))
    scope = agent.scope(verb)
    before = dict(zip(names, map(float, proposed), strict=True))
    handed = {name: before[name] for name in scope} if scope is not None else dict(before)
    answer = _call(agent, verb, dict(handed))
    if not isinstance(answer, Mapping):
        wanted = f"wanted a mapping of name to {VERBS[agent.row_kind][verb].unit}"
        raise _refused(agent, verb, f"answered {answer!r}; {wanted}")
    for name in answer:
        if name not in handed:
            raise _refused(agent, verb, f"answered for {name!r}; {_near(str(name), tuple(handed))}")
    left_out = VERBS[agent.row_kind][verb].left_out
    absent = handed if left_out is None else dict.fromkeys(handed, left_out)
    after = {name: _number(agent, verb, name, answer.get(name, absent[name]), before[name]) for name in handed}
    return np.array([after.get(name, before[name]) for name in names])


def _call(agent: "AbstractFirm", verb: str, proposed: Any) -> Any:
    try:
        return getattr(agent, verb)(proposed)
    except (Exception, SystemExit) as error:
        raise _refused(agent, verb, f"raised {type(error).__name__}: {error}") from error


def _number(agent: "AbstractFirm", verb: str, name: str, value: Any, proposed: float) -> float:
    """The answer as a float: a number, and at least what the verb allows; what was proposed always passes."""
    where = f" for {name!r}" if name else ""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, float, np.number)):
        raise _refused(agent, verb, f"answered {value!r}{where}; wanted a number")
    number, least = float(value), VERBS[agent.row_kind][verb].least
    if number != proposed and not (least <= number < np.inf):
        wanted = f"of at least {least:g}" if np.isfinite(least) else "or minus infinity"
        raise _refused(agent, verb, f"answered {value!r}{where}; wanted a finite number {wanted}")
    return number


def _refused(agent: "AbstractFirm", verb: str, what: str) -> PolicyError:
    return PolicyError(f"{agent.name} ({type(agent).__name__}): {verb} {what} (tick {agent.tick})")


def _near(name: str, known: tuple[str, ...]) -> str:
    """A hint at the right name: the nearest, or all when none is near."""
    close = nearest(name, known)
    return f"did you mean {close!r}?" if close else f"known are {', '.join(known)}"


def rows_named(scenario: Scenario, name: str) -> list[Row]:
    """Every row of that name, vendors before providers before labs; raises PolicyError if there is none."""
    firms = {
        "vendor": tuple(scenario.vendor),
        "provider": tuple(scenario.provider),
        "lab": tuple(scenario.lab),
    }
    rows = [(kind, names.index(name)) for kind, names in firms.items() if name in names]
    if not rows:
        known = tuple(dict.fromkeys(one for names in firms.values() for one in names))
        raise PolicyError(f"policy for {name!r}: the scenario has no such firm; {_near(name, known)}")
    return rows


def choose(chosen: Chosen, scenario: Scenario) -> dict[Row, type["AbstractFirm"]]:
    """The class that stands in for each row; where firms share a name, the class tells which is meant.

    Raises PolicyError for an unknown firm, a class of the wrong kind, or two classes for one row.
    """
    if not chosen:
        return {}
    from market_sim.agents.faces import face_for

    out: dict[Row, type[AbstractFirm]] = {}
    for name, given in chosen.items():
        rows = rows_named(scenario, name)
        for policy in given if isinstance(given, Sequence) else (given,):
            row = face_for(scenario, name, rows, policy)
            _refuse_misspelt(name, policy, row[0])
            if row in out:
                raise PolicyError(f"policy for {name!r}: {policy.__name__} and {out[row].__name__} for one {row[0]}")
            out[row] = policy
    return out


def _refuse_misspelt(name: str, policy: "type[AbstractFirm]", kind: str) -> None:
    """Raise PolicyError for a public method of the policy's own that looks like a verb and is none."""
    ours = [one for one in policy.__mro__ if one.__module__.partition(".")[0] in ("market_sim", "mesa")]
    known = {method for one in ours for method in vars(one)} | set(VERBS[kind])
    own = (one for one in policy.__mro__ if one not in ours and one is not object)
    for method in dict.fromkeys(
        key for one in own for key, value in vars(one).items() if callable(value) and key[0] != "_"
    ):
        close = get_close_matches(method, list(VERBS[kind]), n=1, cutoff=CLOSE)
        if close and method not in known:
            raise PolicyError(
                f"policy for {name!r}: {policy.__name__} has {method!r}, which decides nothing; "
                f"did you mean {close[0]!r}? A method of your own begins with '_'"
            )


def _made(policy: "type[AbstractFirm]", host: Any, setup: Setup, row: Row) -> "AbstractFirm":
    """The policy's agent. Raises PolicyError for whatever its own `__init__` raises."""
    try:
        return policy(host, setup, row[1])
    except (Exception, SystemExit) as error:
        raise PolicyError(
            f"{policy.__name__} cannot be made for {row[0]} {row[1]}: __init__ raised {type(error).__name__}: {error}; "
            f"wanted one that takes (model, setup, row) and hands them to super().__init__"
        ) from error


def seat(chosen: "Chosen | Policies", setup: Setup) -> Policies:
    """Fresh agents for every chosen row and replicate of a run, so that a policy may keep notes of its own.

    Raises PolicyError as `choose` does.
    """
    if isinstance(chosen, Policies):
        return chosen
    rows = choose(chosen, setup.scenario)
    if not rows:
        return NONE
    from market_sim.agents.firm import stages

    hosts = stages(setup)
    return Policies({row: [_made(one, host, setup, row) for host in hosts] for row, one in rows.items()})


def load_policies(texts: Sequence[str], scenario: Scenario) -> dict[str, tuple[type["AbstractFirm"], ...]]:
    """`NAME=module:Class` texts -> classes by firm, as `simulate` and `MarketModel` take them.

    Several may name one firm. Raises PolicyError naming what is wrong: text, firm, module, class or its kind.
    """
    out: dict[str, tuple[type[AbstractFirm], ...]] = {}
    for text in texts:
        name, _, place = text.partition("=")
        module, _, attribute = place.partition(":")
        if not (name.strip() and module.strip() and attribute.strip()):
            raise PolicyError(f"policy {text!r}: wanted NAME=module:Class, such as NVIDIA=my_policies:RefusesMeta")
        rows_named(scenario, name.strip())
        out[name.strip()] = (*out.get(name.strip(), ()), _imported(text, module.strip(), attribute.strip()))
    choose(out, scenario)
    return out


def _imported(text: str, module: str, attribute: str) -> Any:
    """The class at `module:attribute`."""
    try:
        found = import_module(module)
    except (Exception, SystemExit) as error:  # whatever the user's module raises while it loads
        why = "not found" if isinstance(error, ModuleNotFoundError) and error.name == module else str(error)
        why = f"it calls exit({error.code!r})" if isinstance(error, SystemExit) else why
        raise PolicyError(f"policy {text!r}: module {module!r} can't be imported: {why}") from error
    if not hasattr(found, attribute):
        classes = tuple(name for name, value in vars(found).items() if isinstance(value, type))
        raise PolicyError(f"policy {text!r}: {module!r} has no {attribute!r}; {_near(attribute, classes)}")
    return getattr(found, attribute)
