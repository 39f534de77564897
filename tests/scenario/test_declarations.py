"""Declarations: what a field says of itself is what validation holds input to."""

import numpy as np
import pytest
from pydantic import ValidationError
from toy_market import BASE, Market, Provider

from market_sim.scenario.declaration import Refused
from market_sim.scenario.declare import Number, Section, choice, number, series, text, whole
from market_sim.scenario.load import loads


def test_a_field_without_a_declaration_fails_when_the_class_is_made() -> None:
    """A bare default carries no unit, bounds or meaning, so the class is refused."""
    with pytest.raises(TypeError, match="has no declaration"):

        class Bare(Section):
            """A section."""

            price: float = 3.0


def test_a_section_without_a_docstring_fails_when_the_class_is_made() -> None:
    """Every section says in a sentence what it is."""
    with pytest.raises(TypeError, match="needs a docstring"):

        class Silent(Section):
            price: Number = number(1.0, unit="USD", meaning="Price")


@pytest.mark.parametrize(
    ("build", "complaint"),
    [
        (lambda: number(1.0, unit="", meaning="Price"), "without a unit"),
        (lambda: number(1.0, unit="USD", meaning=" "), "without a meaning"),
        (lambda: number(1.0, unit="USD", meaning="Price", standing="sure"), "standing"),
        (lambda: number(1.0, unit="USD", meaning="Price", low=2.0, high=1.0), "low"),
        (lambda: number(-1.0, unit="USD", meaning="Price", low=0.0), "0 or more"),
        (lambda: choice("a", "b", default="c", meaning="Letter"), "one of"),
        (lambda: series([["2025-01", 2.0]], unit="1", high=1.0, meaning="Path"), "or less"),
    ],
)
def test_a_declaration_that_contradicts_itself_fails_at_once(build: object, complaint: str) -> None:
    """No unit, no meaning, crossed bounds or a default outside them: refused where it is written."""
    with pytest.raises((TypeError, Refused), match=complaint):
        build()  # type: ignore[operator]


def test_reserved_names_are_refused() -> None:
    """`names` and `remove` have a meaning of their own in overlays and realised tables."""
    with pytest.raises(TypeError, match="reserved"):

        class Clash(Section):
            """A section."""

            names: str = text("", meaning="Something")


def test_a_section_is_frozen() -> None:
    """A scenario cannot be changed after it was checked."""
    scenario = loads(BASE, schema=Market)
    with pytest.raises(ValidationError, match="frozen"):
        scenario.provider["CoreWeave"].wacc = 0.5


def test_a_strict_lower_bound_leaves_the_bound_out() -> None:
    """`above=0` refuses 0 itself and takes a lognormal, whose draws never reach it."""

    class Part(Section):
        """A part."""

        power: Number = number(1.0, unit="kW", above=0.0, meaning="Power")

    assert Part(power={"dist": "lognormal", "median": 1.0, "sigma": 0.1}).power.support[0] == 0.0
    for refused in (0.0, {"dist": "uniform", "low": 0.0, "high": 1.0}):
        with pytest.raises(ValidationError, match="above 0"):
            Part(power=refused)


def test_numpy_scalars_are_numbers() -> None:
    """Values from an array, as a design hands them over, settle as plain floats and ints."""
    made = Provider(power=np.float32(3.0), sites=np.int64(4))
    assert (type(made.power), made.power, type(made.sites), made.sites) == (float, 3.0, int, 4)


def test_a_whole_number_takes_neither_a_fraction_nor_a_flag() -> None:
    """2.0 is whole, 2.5 and true are not."""

    class Count(Section):
        """A count."""

        ticks: int = whole(1, low=0, meaning="Ticks")

    assert Count(ticks=2.0).ticks == 2
    for refused in (2.5, True, 10**400, float("nan")):
        with pytest.raises(ValidationError, match="whole number"):
            Count(ticks=refused)
