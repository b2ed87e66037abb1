"""One fixed look for each method.

One idea has one colour: groups made from these reports are solid lines with filled markers, the
published set of the same idea is dashed with hollow markers. An encoder has one colour, and each
way to cut its similarities a dash and a marker.
"""

import colorsys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import cycle
from types import MappingProxyType
from typing import Any

from compsim_assets.plots.style import BLACK, BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILLION

OURS, EMBEDDINGS = "From these reports", "Embeddings"
PUBLISHED, REFERENCE = "Published cluster sets", "Reference"

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
        "rolling": MethodStyle("SAE clusters, rolling cutoff", OURS, VERMILLION, "s", width=1.6, zorder=5),
        "walk_forward": _WALK_FORWARD,
        "walk-forward": _WALK_FORWARD,
        "sic_code": MethodStyle("SIC codes", OURS, GREEN, "^"),
        "sic_division": MethodStyle("SIC divisions", OURS, ORANGE, "v"),
        "gics_sector": MethodStyle("GICS sectors", OURS, SKY, "P"),
        "GCD": MethodStyle("GCD (SAE, base)", PUBLISHED, BLUE, "o", _DASHED, hollow=True),
        "GCDR": MethodStyle("GCDR (SAE, rolling)", PUBLISHED, VERMILLION, "s", _DASHED, hollow=True),
        "SIC": MethodStyle("SIC (SIC codes)", PUBLISHED, GREEN, "^", _DASHED, hollow=True),
        "Industry": MethodStyle("Industry (SIC divisions)", PUBLISHED, ORANGE, "v", _DASHED, hollow=True),
        "population": MethodStyle("Population (all pairs)", REFERENCE, BLACK, ".", (0, (1, 1.2)), width=1.8, zorder=4),
    }
)
# What peers are chosen by. The walk-forward chain is among them under the name of its clusters.
_SIMILARITIES: Mapping[str, MethodStyle] = MappingProxyType(
    {
        "pca": MethodStyle("SAE similarity, all years", OURS, BLUE, "o", width=2.4, zorder=4.5),
        "pairs": MethodStyle("Published similarities", PUBLISHED, SKY, "h", _DASHED),
        "walk_forward": replace(_WALK_FORWARD, label="SAE similarity, walk-fwd"),
        "supervised": MethodStyle("Supervised latents", OURS, VERMILLION, "s", width=1.6),
        "supervised_length_controlled": MethodStyle(
            "Supervised, length held", OURS, ORANGE, "v", (0, (6, 1.5)), width=1.6
        ),
        "sic2": MethodStyle("Same two-digit SIC", OURS, GREEN, "^"),
    }
)
_ENCODER_COLOURS = ("#882255", "#44AA99", "#999933")
_FURTHER_COLOURS = ("#661100", "#AA4499", "#332288", "#808080")
_FURTHER_MARKERS = "DPXhp*d<>8"
_FURTHER_DASHES = (_DASHED, (0, (4, 1.5, 1, 1.5)), (0, (7, 1.5)), (0, (2, 1.2)))
_CUTS: Mapping[str, tuple[str, Any]] = MappingProxyType(
    {"base": ("X", "-"), "rolling": ("d", (0, (7, 1.5))), "kmeans": ("*", (0, (4, 1.5, 1, 1.5)))}
)
_LONGEST_LABEL = 25


def method_styles(methods: Iterable[str]) -> dict[str, MethodStyle]:
    """A style per method, in reading order: from these reports, embeddings, published, reference.

    A method without a style of its own is an encoder's clusters if it ends in `_base`, `_rolling`
    or `_kmeans`, else a published set (its name is a file's name). Such methods get further
    colours in alphabetical order, whatever the order of the rows.
    """
    names = {str(name) for name in methods}
    known = {**_KNOWN, **_SIMILARITIES, **_KNOWN}  # clusters first, and theirs is walk_forward
    styles = {name: style for name, style in known.items() if name in names}
    cuts = {name: name.rpartition("_") for name in sorted(names - set(known))}
    cuts = {name: cut for name, cut in cuts.items() if cut[0] and cut[2] in _CUTS}
    encoders = sorted({encoder for encoder, _, _ in cuts.values()})
    for k, encoder in enumerate(encoders):
        for cut in (cut for cut in _CUTS if f"{encoder}_{cut}" in cuts):
            styles[f"{encoder}_{cut}"] = _embedding(k, encoder, cut)
    markers, dashes = cycle(_FURTHER_MARKERS), cycle(_FURTHER_DASHES)
    for k, name in enumerate(sorted(names - set(styles))):
        colour = _further_colour(k, _FURTHER_COLOURS, 0.40)
        label = _shortened(name, _LONGEST_LABEL)
        styles[name] = MethodStyle(label, PUBLISHED, colour, next(markers), next(dashes), hollow=True)
    return _in_groups(styles)


def similarity_styles(methods: Iterable[str]) -> dict[str, MethodStyle]:
    """A style per similarity that peers are chosen by. One without a style of its own is an encoder."""
    names = {str(name) for name in methods}
    styles = {name: style for name, style in _SIMILARITIES.items() if name in names}
    for k, name in enumerate(sorted(names - set(styles))):
        marker = _FURTHER_MARKERS[k % len(_FURTHER_MARKERS)]
        styles[name] = replace(_embedding(k, name, ""), marker=marker)
    return _in_groups(styles)


def key_height(styles: Mapping[str, MethodStyle]) -> float:
    """Inches that a key of these methods takes, headings and gaps between groups included."""
    return round(0.24 * len(styles) + 0.36 * len({style.group for style in styles.values()}), 2)


def _in_groups(styles: dict[str, MethodStyle]) -> dict[str, MethodStyle]:
    groups = (OURS, EMBEDDINGS, PUBLISHED, REFERENCE)
    return dict(sorted(styles.items(), key=lambda item: groups.index(item[1].group)))


def _embedding(k: int, encoder: str, cut: str) -> MethodStyle:
    """The k-th encoder's clusters by one cut; without a cut, its similarities themselves."""
    marker, dashes = _CUTS[cut or "base"]
    ending = f", {cut}" if cut else ""
    name = encoder.rpartition("/")[2] or encoder
    label = _shortened(name, _LONGEST_LABEL - len(ending)) + ending
    return MethodStyle(label, EMBEDDINGS, _further_colour(k, _ENCODER_COLOURS, 0.55), marker, dashes)


def _shortened(name: str, most: int) -> str:
    """A name without its middle where it is too long: versions and sizes stand at its end."""
    if len(name) <= most:
        return name
    return f"{name[: most // 2]}\N{HORIZONTAL ELLIPSIS}{name[-((most - 1) // 2) :]}"


def _further_colour(k: int, first: Sequence[str], lightness: float) -> str:
    if k < len(first):
        return first[k]
    # Steps of the golden ratio never come back to the same hue.
    red, green, blue = colorsys.hls_to_rgb((k * 0.6180339887498949) % 1.0, lightness, 0.55)
    return f"#{round(red * 255):02X}{round(green * 255):02X}{round(blue * 255):02X}"


def mode_name(mode: str) -> str:
    """A cutoff mode in words, for titles."""
    return f"{mode.replace('_', '-')} cutoff"
