"""When a claim stands: one rule for all of them."""

import math

STANDS, WEAKER, REVERSED, NOT_TESTABLE = "stands", "weaker", "reversed", "not testable here"


def verdict(value: float, low: float, high: float, published: float, direction: int = 1) -> tuple[str, str]:
    """Judge a corrected number by its 95 % interval.

    reversed: the interval lies wholly on the other side of zero. stands: it lies wholly on the claimed side, and not
    wholly short of the published number. weaker: everything else.

    Args:
        value, low, high: the corrected number and its interval.
        published: the published number; NaN, or one that speaks against the claim, sets no mark.
        direction: 1 where the claim is that the number is above zero, -1 below.

    Returns:
        The verdict, and what it rests on.
    """
    if any(math.isnan(number) for number in (value, low, high)):
        return NOT_TESTABLE, ""
    near, far = (low, high) if direction > 0 else (-high, -low)
    mark = direction * published
    if far < 0:
        return REVERSED, f"the interval is {'below' if direction > 0 else 'above'} zero"
    if near <= 0:
        return WEAKER, "the interval includes zero"
    if mark > 0 and far < mark:
        return (WEAKER, "the interval is on the claimed side of zero, but short of the published number")
    return STANDS, "the interval is on the claimed side of zero"


def signed(value: float, low: float, high: float) -> str:
    """A difference with its sign and its interval, as pages show it."""
    interval = "no interval" if math.isnan(low) else f"[{low:+.3f}, {high:+.3f}]"
    return f"{value:+.3f} {interval}"
