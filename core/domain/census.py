"""The published rows the lab was made for: whose they are, of when, and under what licence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Publication:
    """A published file, known by the digest of its content.

    ``address`` is where it is published for people, ``origin`` who published the rows first.
    """

    title: str
    sha256: str
    year: str
    origin: str
    address: str
    licence: str


CENSUS: Final = Publication(
    title="California block groups of the 1990 census",
    sha256="8a3727f4cf54ac1a327f69b1d5b4db54c5834ea81c6e4efc0d163300022a685e",
    year="1990 census; prices and incomes in dollars of 1990",
    origin=(
        "R. Kelley Pace and Ronald Barry, “Sparse Spatial Autoregressions”, Statistics & Probability Letters 33 "
        "(1997), 291–297; the variant with ocean_proximity by Aurélien Géron, in the repository ageron/handson-ml2"
    ),
    address="https://github.com/ageron/handson-ml2/blob/1e2115277b50f6c584cd668fa30e3af309a5b136/datasets/housing",
    licence="Apache License 2.0, the repository's",
)
"""What is said of the rows only while the file in use is this very one."""
