"""One fixed look for each method.

One idea has one colour: groups made from these reports are solid lines with filled markers, the
published set of the same idea is dashed with hollow markers.
"""

import colorsys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import cycle
from types import MappingProxyType
from typing import Any

from compsim_assets.plots.style import BLACK, BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILLION

OURS, PUBLISHED, REFERENCE = "From these reports", "Published cluster sets", "Reference"

_DASHED = (0, (4, 1.6))


@dataclass(frozen=True)
class MethodStyle:
    """How one method is drawn, the same in every figure. `group` heads it in a key."""

    label: str
    group: str
    colour: str
    marker: str
    linestyle: Any = "-"
    hollow: bool = False
    width: float = 1.4
    zorder: float = 3.0

    def line(self) -> dict[str, Any]:
        """Keyword arguments of `Axes.plot` and `Line2D`."""
        return {
            "color": self.colour,
            "marker": self.marker,
            "linestyle": self.linestyle,
            "linewidth": self.width,
            "markersize": 4.2,
            "markerfacecolor": "white" if self.hollow else self.colour,
            "markeredgewidth": 1.0,
            "zorder": self.zorder,
        }


_WALK_FORWARD = MethodStyle("SAE clusters, walk-forward", OURS, PURPLE, "D", width=2.0, zorder=4)
_KNOWN: Mapping[str, MethodStyle] = MappingProxyType(
    {
        "base": MethodStyle("SAE clusters, base cutoff", OURS, BLUE, "o", width=2.8, zorder=4.5),
        "rolling": MethodStyle(
            "SAE clusters, rolling cutoff", OURS, VERMILLION, "s", width=1.6, zorder=5
        ),
        "walk_forward": _WALK_FORWARD,
        "walk-forward": _WALK_FORWARD,
        "sic_code": MethodStyle("SIC codes", OURS, GREEN, "^"),
        "sic_division": MethodStyle("SIC divisions", OURS, ORANGE, "v"),
        "GCD": MethodStyle("GCD (SAE, base)", PUBLISHED, BLUE, "o", _DASHED, hollow=True),
        "GCDR": MethodStyle(
            "GCDR (SAE, rolling)", PUBLISHED, VERMILLION, "s", _DASHED, hollow=True
        ),
        "SIC": MethodStyle("SIC (SIC codes)", PUBLISHED, GREEN, "^", _DASHED, hollow=True),
        "Industry": MethodStyle(
            "Industry (SIC divisions)", PUBLISHED, ORANGE, "v", _DASHED, hollow=True
        ),
        "population": MethodStyle(
            "Population (all pairs)", REFERENCE, BLACK, ".", (0, (1, 1.2)), width=1.8, zorder=4
        ),
    }
)
_FURTHER_COLOURS = (SKY, "#882255", "#999933", "#661100", "#AA4499", "#332288", "#808080")
_FURTHER_MARKERS = "DPXhp*d<>8"
_FURTHER_DASHES = (_DASHED, (0, (4, 1.5, 1, 1.5)), (0, (7, 1.5)), (0, (2, 1.2)))


def method_styles(methods: Iterable[str]) -> dict[str, MethodStyle]:
    """A style per method, in reading order: from these reports, published, reference.

    A method without a style of its own is a published set (its name is a file's name). Such
    methods get further colours in alphabetical order, whatever the order of the rows.
    """
    names = {str(name) for name in methods}
    styles = {name: style for name, style in _KNOWN.items() if name in names}
    markers, dashes = cycle(_FURTHER_MARKERS), cycle(_FURTHER_DASHES)
    for k, name in enumerate(sorted(names - set(_KNOWN))):
        styles[name] = MethodStyle(
            name, PUBLISHED, _further_colour(k), next(markers), next(dashes), hollow=True
        )
    groups = (OURS, PUBLISHED, REFERENCE)
    return dict(sorted(styles.items(), key=lambda item: groups.index(item[1].group)))


def _further_colour(k: int) -> str:
    if k < len(_FURTHER_COLOURS):
        return _FURTHER_COLOURS[k]
    # Steps of the golden ratio never come back to the same hue.
    red, green, blue = colorsys.hls_to_rgb((k * 0.6180339887498949) % 1.0, 0.40, 0.55)
    return f"#{round(red * 255):02X}{round(green * 255):02X}{round(blue * 255):02X}"


def mode_name(mode: str) -> str:
    """A cutoff mode in words, for titles."""
    return f"{mode.replace('_', '-')} cutoff"
