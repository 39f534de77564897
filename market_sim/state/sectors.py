"""The axis of holders: vendors, providers, labs, then the four outside sectors."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sectors:
    """Where each kind of holder stands on the holder axis."""

    vendors: int
    providers: int
    labs: int

    @property
    def vendor(self) -> slice:
        return slice(0, self.vendors)

    @property
    def provider(self) -> slice:
        return slice(self.vendors, self.vendors + self.providers)

    @property
    def lab(self) -> slice:
        return slice(self.vendors + self.providers, self.firms)

    @property
    def firms(self) -> int:
        return self.vendors + self.providers + self.labs

    @property
    def customers(self) -> slice:
        return slice(self.firms, self.firms + 1)

    @property
    def lenders(self) -> slice:
        return slice(self.firms + 1, self.firms + 2)

    @property
    def investors(self) -> slice:
        return slice(self.firms + 2, self.firms + 3)

    @property
    def suppliers(self) -> slice:
        return slice(self.firms + 3, self.firms + 4)

    @property
    def holders(self) -> int:
        return self.firms + 4
