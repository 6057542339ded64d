"""Units and the calendar."""

from __future__ import annotations

UNITS = (
    ("metre", "centimetres", 100),
    ("metre", "millimetres", 1000),
    ("kilometre", "metres", 1000),
    ("centimetre", "millimetres", 10),
    ("kilogram", "grams", 1000),
    ("tonne", "kilograms", 1000),
    ("litre", "millilitres", 1000),
    ("minute", "seconds", 60),
    ("hour", "minutes", 60),
    ("day", "hours", 24),
    ("week", "days", 7),
    ("year", "months", 12),
    ("decade", "years", 10),
    ("century", "years", 100),
    ("millennium", "years", 1000),
    ("foot", "inches", 12),
    ("yard", "feet", 3),
    ("dozen", "pieces", 12),
    ("pound", "ounces", 16),
    ("euro", "cents", 100),
)
"""(one of these, has of those, so many)"""

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

MONTHS = (
    *(("January", 31), ("February", 28), ("March", 31), ("April", 30), ("May", 31), ("June", 30)),
    *(("July", 31), ("August", 31), ("September", 30), ("October", 31), ("November", 30), ("December", 31)),
)
"""(name, days in an ordinary year), in their order."""
