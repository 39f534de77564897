"""Names of one run: vocabulary -> list of names, so that rows carry small codes and never strings."""

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

import numpy as np
import polars as pl
from numpy.typing import NDArray

from market_sim.results.errors import UnknownName
from market_sim.results.vocabulary import BUYERS_OF, MARKETS, SECTORS, closed_names


class Names(Mapping[str, tuple[str, ...]]):
    """Vocabulary -> names; the code of a name is its place in the list.

    Build it with `Names.of`; equal names give equal enums, hence parts and runs that join.
    """

    __slots__ = ("_lists",)

    def __init__(self, lists: Mapping[str, Iterable[str]]) -> None:
        """Take the lists as they are, in this order. Raises UnknownName for a doubled or an empty name."""
        self._lists = {vocabulary: _checked(vocabulary, names) for vocabulary, names in lists.items()}

    @classmethod
    def of(
        cls,
        *,
        vendor: Iterable[str],
        provider: Iterable[str],
        lab: Iterable[str],
        chip: Iterable[str],
        stack: Iterable[str] = (),
        segment: Iterable[str] = (),
    ) -> "Names":
        """All vocabularies of a scenario from its own lists; joined ones keep order and drop repeats."""
        vendors, providers, labs = tuple(vendor), tuple(provider), tuple(lab)
        chips, stacks, closed = tuple(chip), tuple(stack), closed_names()
        entities = _joined(vendors, providers, labs, stacks)
        own = {
            "vendor": vendors,
            "provider": providers,
            "lab": labs,
            "chip": chips,
            "stack": stacks,
            "segment": _joined(("all",), tuple(segment)),
            "market": (
                *(term.name for term in MARKETS),
                *(BUYERS_OF.format(vendor=name) for name in vendors),
            ),
            "entity": entities,
            "buyer": _joined(providers, labs),
            "seller": _joined(providers, vendors),
            "holder": _joined(vendors, providers, labs, tuple(term.name for term in SECTORS)),
            "group": _joined(("all",), closed["kind"], entities, chips),
        }
        return cls(own | closed)

    def __getitem__(self, vocabulary: str) -> tuple[str, ...]:
        """The names of a vocabulary. Raises KeyError if this run has none of that name."""
        return self._lists[vocabulary]

    def __iter__(self) -> Iterator[str]:
        return iter(self._lists)

    def __len__(self) -> int:
        return len(self._lists)

    def __repr__(self) -> str:
        return f"Names({self._lists!r})"

    def code(self, vocabulary: str, name: str) -> int:
        """The code of one name. Raises UnknownName."""
        return int(self.codes(vocabulary, (name,))[0])

    def codes(self, vocabulary: str, names: Iterable[str]) -> NDArray[np.int32]:
        """The codes of names (n): look them up once, before the run. Raises UnknownName."""
        places = _places(self[vocabulary])
        try:
            return np.array([places[name] for name in names], dtype=np.int32)
        except KeyError as missing:
            wanted = ", ".join(self[vocabulary]) or "none"
            raise UnknownName(f"{missing} is no {vocabulary} of this run, which has: {wanted}") from None

    def lookup(self, vocabulary: str) -> pl.Series:
        """The enum series of a vocabulary, one row per name in order: gather it by codes."""
        return _lookup(self[vocabulary])


def _joined(*lists: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for names in lists for name in names))


def _checked(vocabulary: str, names: Iterable[str]) -> tuple[str, ...]:
    listed = tuple(names)
    for name in listed:
        if not isinstance(name, str) or not name:
            raise UnknownName(f"names of {vocabulary!r} must be non-empty text, but one is {name!r}")
        if listed.count(name) > 1:
            raise UnknownName(f"names of {vocabulary!r} must differ, but {name!r} stands there twice")
    return listed


@lru_cache(maxsize=256)
def _places(names: tuple[str, ...]) -> dict[str, int]:
    return {name: place for place, name in enumerate(names)}


@lru_cache(maxsize=256)
def _lookup(names: tuple[str, ...]) -> pl.Series:
    return pl.Series(names, dtype=pl.Enum(names))
