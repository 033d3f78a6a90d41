"""Numbers of documents as exact fractions: 0.999 is 999/1000, not the nearest binary number."""

from __future__ import annotations

import math
import re
from decimal import Decimal, localcontext
from fractions import Fraction

from monitoring.slo.openslo.node import Node
from monitoring.slo.openslo.values import shown

#: A decimal of bounded length and exponent; other numbers of YAML (1:30.5) are read as floats.
DECIMAL = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d{1,3})?", re.ASCII)
LONGEST = 60
#: Larger numbers mean nothing in any field.
LARGEST = 10**18


def exact(node: Node) -> Fraction:
    """Return a number as it is written."""
    value = node.value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise node.fault(f"{shown(value)} is not a number; write digits, without quotes")
    if not math.isfinite(value) if isinstance(value, float) else abs(value) > LARGEST:
        raise node.fault(f"{shown(value)} is too large")
    spelled = (node.document.numeral(node.path) or repr(value)).replace("_", "")
    if len(spelled) > LONGEST:
        raise node.fault(f"a number of {len(spelled):,} characters; {LONGEST} at most")
    found = Fraction(spelled if DECIMAL.fullmatch(spelled) else repr(value))
    if abs(found) > LARGEST:
        raise node.fault(f"{shown(value)} is too large")
    return found


def share(node: Node, whole: int = 1) -> Fraction:
    """Return a part of `whole`, from zero to below one.

    A percentage where a share is expected is told, and the other way round.
    """
    value = exact(node)
    if not 0 <= value < whole:
        hint = percent(value) if whole == 1 else ""
        raise node.fault(f"{shown(node.value)} is not from 0 to below {whole}{hint}")
    if whole == 100 and 0 < value < 1:
        node.warn(f"{shown(node.value)} is less than one per cent; a share is written as target")
    return value / whole


def percent(value: Fraction) -> str:
    """Return the hint of a message about a percentage where a share is expected."""
    return f", did you mean {float(value) / 100:g}?" if 1 < value < 100 else ""


def written(value: Fraction) -> str:
    """Write a decimal with all its digits, unless these are too many for a name.

    >>> written(Fraction(999999999, 10**7)), written(Fraction(90)), written(Fraction(0))
    ('99.9999999', '90', '0')
    """
    with localcontext(prec=2 * LONGEST):
        text = format((Decimal(value.numerator) / value.denominator).normalize(), "f")
    return text if len(text) <= LONGEST else decimal(value)


def decimal(value: Fraction) -> str:
    """Format a number of a message.

    >>> decimal(Fraction(999, 10)), decimal(Fraction(10)), decimal(Fraction(1, 3))
    ('99.9', '10', '0.333333')
    """
    return f"{float(value):.6g}"
