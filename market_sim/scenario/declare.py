"""How a scenario section says what its fields are: one declaration per parameter.

    class Power(Section):
        \"\"\"What electricity costs and how much of it there is.\"\"\"

        price: Number = number(60.0, unit="USD/MWh", low=0.0, meaning="Price of delivered energy")
        sites: int = whole(1, unit="sites", low=1, meaning="Sites running at the start")

Validation, the parameter tables in the documentation and sweep ranges all derive from these declarations.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError, PydanticUndefined

from market_sim.scenario.accept import accept
from market_sim.scenario.declaration import Declaration, Refused
from market_sim.scenario.distributions import Distribution

__all__ = [
    "Declaration",
    "Distribution",
    "Number",
    "Section",
    "choice",
    "flag",
    "mapping",
    "month",
    "named",
    "names",
    "number",
    "numbers",
    "series",
    "table",
    "text",
    "whole",
]

Number = float | Distribution
RESERVED = frozenset({"names", "remove"})


class Section(BaseModel):
    """A frozen table of declared fields; a field without a declaration fails when the class is made."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)
    declarations: ClassVar[Mapping[str, Declaration]] = {}
    _provenance: Any = PrivateAttr(default=None)

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        if not (cls.__doc__ or "").strip() or cls.__doc__ == Section.__doc__:
            raise TypeError(f"section {cls.__name__} needs a docstring: one sentence on what it is")
        cls.declarations = {name: _declared(cls, name) for name in cls.model_fields}

    @field_validator("*", mode="before")
    @classmethod
    def _check(cls, value: Any, info: ValidationInfo) -> Any:
        try:
            return accept(cls.declarations[str(info.field_name)], value)
        except Refused as refusal:
            context = {"wanted": refusal.wanted, "nearest": refusal.nearest}
            raise PydanticCustomError("refused", "{wanted}", context) from None

    def names_of(self, kind: str) -> tuple[str, ...]:
        """Every name that a field with `refers=kind` may use; `a|b` joins the keys of two named tables."""
        return tuple(name for path in kind.split("|") for name in self._keys_at(path))

    def problems(self) -> Iterator[tuple[str | tuple[str, ...], str]]:
        """What is wrong between the fields of this section: pairs of a field and what was wanted.

        A field of the section itself is given by its name, one further down by the parts of its key path.
        """
        return iter(())

    def run_years(self) -> float:
        """Length of the run in years, for a whole scenario; without end for a section that is not one."""
        ticks, months = getattr(self, "ticks", None), getattr(self, "tick_months", None)
        known = isinstance(ticks, int) and isinstance(months, float)
        return ticks * months / 12.0 if known else math.inf  # type: ignore[operator]

    def _keys_at(self, path: str) -> tuple[str, ...]:
        at: Any = self
        for part in path.split("."):
            at = getattr(at, part)
        return tuple(at)


def _declared(section: type[Section], name: str) -> Declaration:
    """The declaration of a field; a plain `section: Kind = Kind()` is declared by the docstring of Kind."""
    info = section.model_fields[name]
    if name in RESERVED:
        raise TypeError(f"{section.__name__}.{name}: this name is reserved")
    extra = info.json_schema_extra
    if isinstance(extra, dict) and "declaration" in extra:
        declaration: Any = extra["declaration"]
        fixed = info.annotation in (float, list[float], dict[str, float])
        return replace(declaration, fixed=True) if fixed else declaration
    if isinstance(info.annotation, type) and issubclass(info.annotation, Section):
        return Declaration("table", first_sentence(info.annotation), section=info.annotation)
    raise TypeError(f"{section.__name__}.{name} has no declaration: use number(), text(), table() and so on")


def first_sentence(section: type[Section]) -> str:
    """The opening sentence of a section's docstring."""
    return (section.__doc__ or "").strip().split("\n\n")[0].replace("\n", " ").strip()


def _field(declaration: Declaration, initial: Any) -> Any:
    """A pydantic field carrying its declaration; the default is held to the declaration as input is."""
    if declaration.required:
        initial = PydanticUndefined
    elif initial is not None:
        initial = accept(declaration, initial)
    return Field(default=initial, json_schema_extra={"declaration": declaration})  # type: ignore[dict-item]


def number(
    default: float | Mapping[str, Any] | Distribution | None = None,
    *,
    unit: str,
    meaning: str,
    low: float = -math.inf,
    high: float = math.inf,
    above: float | None = None,
    source: str = "",
    standing: str = "illustrative",
    required: bool = False,
    within_run: bool = False,
) -> Any:
    """A number in `unit`, or a distribution whose whole support lies within the bounds.

    `above` is a lower bound that is itself left out. A default of None makes the field optional (NaN when
    realised). On a field annotated `float` instead of `Number` a distribution is refused. `within_run` holds
    a time in years to the length of the run, or to its default where that is longer.
    """
    declaration = Declaration(
        "number", meaning, default, unit, low if above is None else above, high, above is not None,
        source=source, standing=standing, optional=default is None and not required, required=required,
        within_run=within_run,
    )  # fmt: skip
    return _field(declaration, default)


def whole(
    default: int | None = None,
    *,
    meaning: str,
    unit: str = "1",
    low: float = -math.inf,
    high: float = math.inf,
    source: str = "",
    standing: str = "illustrative",
    required: bool = False,
) -> Any:
    """A whole number; never a distribution, since counts of this kind fix shapes."""
    declaration = Declaration(
        "whole", meaning, default, unit, low, high, source=source, standing=standing,
        optional=default is None and not required, required=required,
    )  # fmt: skip
    return _field(declaration, default)


def text(default: str | None = None, *, meaning: str, refers: str = "", required: bool = False) -> Any:
    """A piece of text; with `refers` the name of an entry in that named table (an empty text names none)."""
    optional = default is None and not required
    declaration = Declaration("text", meaning, default, refers=refers, optional=optional, required=required)
    return _field(declaration, default)


def month(
    default: str | None = None, *, meaning: str, low: float = 2000.0, high: float = 2099.0, required: bool = False
) -> Any:
    """A date given as `YYYY-MM` or `YYYY-MM-DD`, kept as text; `low` and `high` bound its year."""
    optional = default is None and not required
    declaration = Declaration("month", meaning, default, low=low, high=high, optional=optional, required=required)
    return _field(declaration, default)


def flag(default: bool, *, meaning: str) -> Any:
    """True or false."""
    return _field(Declaration("flag", meaning, default), default)


def choice(*options: str, default: str, meaning: str) -> Any:
    """One of a fixed list of words."""
    return _field(Declaration("choice", meaning, default, options=options), default)


def names(default: Sequence[str] = (), *, of: str, meaning: str, least: int = 0) -> Any:
    """A list of names of entries in the named table at path `of`, each at most once."""
    return _field(Declaration("names", meaning, list(default), refers=of, least=least), list(default))


def numbers(
    default: Sequence[float] = (),
    *,
    unit: str,
    meaning: str,
    count: int | None = None,
    low: float = -math.inf,
    high: float = math.inf,
    source: str = "",
    standing: str = "illustrative",
    within_run: bool = False,
) -> Any:
    """A list of numbers or distributions, of fixed length where `count` is given."""
    initial = list(default)
    declaration = Declaration(
        "numbers", meaning, initial, unit, low, high, count=count, source=source, standing=standing,
        within_run=within_run,
    )  # fmt: skip
    return _field(declaration, initial)


def mapping(
    default: float = 0.0,
    *,
    over: str,
    unit: str,
    meaning: str,
    low: float = -math.inf,
    high: float = math.inf,
    source: str = "",
    standing: str = "illustrative",
) -> Any:
    """A number for each name of the table at path `over`; `default` fills the names that are not given."""
    declaration = Declaration(
        "mapping", meaning, default, unit, low, high, refers=over, source=source, standing=standing
    )  # fmt: skip
    return _field(declaration, {})


def series(
    default: Sequence[Sequence[Any]],
    *,
    unit: str,
    meaning: str,
    low: float = -math.inf,
    high: float = math.inf,
    source: str = "",
    standing: str = "illustrative",
) -> Any:
    """A path in time: `[month, number]` points, straight between them and flat outside."""
    declaration = Declaration(
        "series", meaning, default, unit, low, high, least=1, source=source, standing=standing
    )  # fmt: skip
    return _field(declaration, default)


def table(section: type[Section], *, meaning: str = "") -> Any:
    """A nested section with its own defaults."""
    declaration = Declaration("table", meaning or first_sentence(section), section=section)
    return Field(default_factory=section, json_schema_extra={"declaration": declaration})  # type: ignore[dict-item]


def named(section: type[Section], *, meaning: str = "", least: int = 0) -> Any:
    """A table of sections keyed by name, such as `[providers.CoreWeave]`; at least `least` of them."""
    declaration = Declaration(
        "named", meaning or first_sentence(section), {}, section=section, least=least, required=least > 0
    )  # fmt: skip
    return _field(declaration, {})
