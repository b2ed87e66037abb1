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

from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from compsim_assets.contracts.methods import (
    CONTROLS,
    EMBEDDINGS,
    METHODS,
    OURS,
    PUBLISHED,
    REFERENCE,
    Method,
    encoder_cut,
)
from compsim_assets.plots.style import BLACK, BLUE, GREEN, ORANGE, PURPLE, RC, SKY, TEXT_SIZE, VERMILLION

# Families in reading order, and what heads them in a key.
_HEADINGS = {
    OURS: "From these reports",
    CONTROLS: "Controls: in the SAE features' place",
    EMBEDDINGS: "Embeddings",
    PUBLISHED: "Published cluster sets",
    REFERENCE: "Reference",
}
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


# Colour and marker of each key of the
_IDEAS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "blue": (BLUE, "o"),
        "vermillion": (VERMILLION, "s"),
        "purple": (PURPLE, "D"),
        "green": (GREEN, "^"),
        "orange": (ORANGE, "v"),
        "sky": (SKY, "P"),
        "black": (BLACK, "."),
        # Paler: what ours are held against.
        "rose": ("#CC6677", "<"),
        "sand": ("#B79F3C", ">"),
        "slate": ("#7A8B99", "h"),
        "brown": ("#9C755F", "8"),
        "teal": ("#4E9A94", "p"),
        "lime": ("#8CA252", "H"),
    }
)
# What stands out, or would hide another line.
_LOOKS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "base": {"width": 2.8, "zorder": 4.5},
        "rolling": {"width": 1.6, "zorder": 5},
        "pca": {"width": 2.4, "zorder": 4.5},
        "pairs": {"marker": "h", "linestyle": _DASHED},
        "walk_forward": {"width": 2.0, "zorder": 4},
        "supervised": {"width": 1.6},
        "supervised_length_controlled": {"width": 1.6, "linestyle": (0, (6, 1.5))},
        "population": {"width": 1.8, "zorder": 4, "linestyle": (0, (1, 1.2))},
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
_LETTER_WIDTH = 5.5  # points, of the widest letters that a label of that length may have on average


def method_styles(methods: Iterable[str]) -> dict[str, MethodStyle]:
    """A style per method, in reading order: from these reports, embeddings, published, reference.

    A method that the registry does not name is an encoder's clusters or a published set. Such methods get further
    colours in alphabetical order, whatever the order of the rows.
    """
    names = {str(name) for name in methods}
    # Clusters first, then the similarities that are nothing else.
    named = sorted(METHODS, key=lambda method: not method.clusters)
    styles = {method.name: _style(method, method.label) for method in named if method.name in names}
    cuts = {cut: name for name in names if (cut := encoder_cut(name))}
    for k, encoder in enumerate(sorted({encoder for encoder, _ in cuts})):
        for way in _CUTS:
            if (encoder, way) in cuts:
                styles[cuts[encoder, way]] = _embedding(k, encoder, way)
    markers, dashes = cycle(_FURTHER_MARKERS), cycle(_FURTHER_DASHES)
    for k, name in enumerate(sorted(names - set(styles))):
        colour = _further_colour(k, _FURTHER_COLOURS, 0.40)
        label, heading = _shortened(name, _LONGEST_LABEL), _HEADINGS[PUBLISHED]
        styles[name] = MethodStyle(label, heading, colour, next(markers), next(dashes), hollow=True)
    return _in_groups(styles)


def similarity_styles(methods: Iterable[str]) -> dict[str, MethodStyle]:
    """A style per similarity that peers are chosen by. One that the registry does not name is an encoder."""
    names = {str(name) for name in methods}
    similarities = [method for method in METHODS if method.similarity and method.name in names]
    styles = {method.name: _style(method, method.similarity) for method in similarities}
    for k, name in enumerate(sorted(names - set(styles))):
        marker = _FURTHER_MARKERS[k % len(_FURTHER_MARKERS)]
        styles[name] = replace(_embedding(k, name, ""), marker=marker)
    return _in_groups(styles)


def _style(method: Method, label: str) -> MethodStyle:
    colour, marker = _IDEAS[method.colour]
    style = MethodStyle(label, _HEADINGS[method.family], colour, marker)
    if method.replays:
        style = replace(style, linestyle=_DASHED, hollow=True)
    if method.control and method.clusters:
        _, dashes = _CUTS[method.name.rpartition("_")[2]]
        style = replace(style, width=1.1, linestyle=dashes)
    return replace(style, **_LOOKS.get(method.name, {}))


def key_height(styles: Mapping[str, MethodStyle]) -> float:
    """Inches that a key of these methods takes, headings and gaps between groups included."""
    return round(0.24 * len(styles) + 0.36 * len({style.group for style in styles.values()}), 2)


def _in_groups(styles: dict[str, MethodStyle]) -> dict[str, MethodStyle]:
    headings = [*_HEADINGS.values()]
    return dict(sorted(styles.items(), key=lambda item: headings.index(item[1].group)))


def _embedding(k: int, encoder: str, cut: str) -> MethodStyle:
    """The k-th encoder's clusters by one cut; without a cut, its similarities themselves."""
    marker, dashes = _CUTS[cut or "base"]
    ending = f", {cut}" if cut else ""
    name = encoder.rpartition("/")[2] or encoder
    label = _shortened(name, _LONGEST_LABEL - len(ending)) + ending
    return MethodStyle(label, _HEADINGS[EMBEDDINGS], _further_colour(k, _ENCODER_COLOURS, 0.55), marker, dashes)


def _shortened(name: str, most: int) -> str:
    """A name without its middle where it is too long, in letters or in width: versions and sizes stand at its end."""
    short, letters = name, most
    while len(short) > most or _width(short) > most * _LETTER_WIDTH:
        short = f"{name[: letters // 2]}\N{HORIZONTAL ELLIPSIS}{name[-((letters - 1) // 2) :]}"
        letters -= 1
    return short


def _width(text: str) -> float:
    """In points."""
    font = FontProperties(family=RC["font.family"], size=TEXT_SIZE)
    return float(text_to_path.get_text_width_height_descent(text, font, ismath=False)[0])


def _further_colour(k: int, first: Sequence[str], lightness: float) -> str:
    if k < len(first):
        return first[k]
    # Steps of the golden ratio never come back to the same hue.
    red, green, blue = colorsys.hls_to_rgb((k * 0.6180339887498949) % 1.0, lightness, 0.55)
    return f"#{round(red * 255):02X}{round(green * 255):02X}{round(blue * 255):02X}"


def mode_name(mode: str) -> str:
    """A cutoff mode in words, for titles."""
    return f"{mode.replace('_', '-')} cutoff"
