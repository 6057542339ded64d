"""Chemical elements: name, symbol, atomic number."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Element:
    name: str
    symbol: str
    number: int


_FIRST = """\
hydrogen H, helium He, lithium Li, beryllium Be, boron B, carbon C, nitrogen N, oxygen O, fluorine F, neon Ne,
sodium Na, magnesium Mg, aluminium Al, silicon Si, phosphorus P, sulphur S, chlorine Cl, argon Ar, potassium K, calcium Ca,
scandium Sc, titanium Ti, vanadium V, chromium Cr, manganese Mn, iron Fe, cobalt Co, nickel Ni, copper Cu, zinc Zn,
gallium Ga, germanium Ge, arsenic As, selenium Se, bromine Br, krypton Kr"""

_LATER = "silver Ag 47, tin Sn 50, iodine I 53, xenon Xe 54, caesium Cs 55, tungsten W 74, platinum Pt 78, gold Au 79, \
mercury Hg 80, lead Pb 82, radon Rn 86, radium Ra 88, uranium U 92, plutonium Pu 94"


def _elements() -> tuple[Element, ...]:
    found: list[Element] = []
    for number, entry in enumerate(_FIRST.replace("\n", " ").split(", "), 1):
        name, symbol = entry.split()
        found.append(Element(name, symbol, number))
    for entry in _LATER.split(", "):
        name, symbol, number = entry.split()
        found.append(Element(name, symbol, int(number)))
    return tuple(found)


ELEMENTS = _elements()
