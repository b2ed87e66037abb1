"""The map of a year: companies as points, near where they are alike."""

from collections.abc import Hashable
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from compsim_assets.plots.axes import legend_above, no_data_figure
from compsim_assets.plots.style import (
    BLUE,
    GREEN,
    INK,
    MUTED,
    ORANGE,
    PURPLE,
    SKY,
    TEXT_SIZE,
    VERMILLION,
    Page,
    new_figure,
    styled,
)

_TITLE = "A map of the companies of a year"
_COLOURS = (BLUE, ORANGE, GREEN, PURPLE, VERMILLION, SKY)
_OTHERS, _UNKNOWN = "others", "not known"
_NAMES, _APART = 60, 0.045  # names on it, at most, and how far from each other


@styled
def year_map(places: pd.DataFrame, synthetic: bool) -> Figure:
    """The companies of the newest year on their map, coloured by industry; as many names as have room.

    Args:
        places: year, x, y, near (share of its nearest ones that are near here, too), name and industry of each report;
            the last two may be missing.
    """
    if places.empty:
        return no_data_figure(_TITLE, "there are no scores to draw it by", synthetic)
    year = int(places["year"].max())
    table = places[places["year"] == year].reset_index(drop=True)
    page = Page(height=7.4, top=1.7, bottom=0.75, left=0.25, right=0.25)
    figure, (axes,) = new_figure(
        _TITLE,
        f"{year}, {len(table):,} companies. Of a company's ten nearest by cosine, {100 * table['near'].mean():.0f} % "
        "are among its ten nearest here.",
        page=page,
        note="t-SNE of cosine distances: near ones stay near; distances between groups, their sizes and the axes mean "
        "nothing.",
        synthetic=synthetic,
    )
    group = _groups(table["industry"])
    order = [name for name in group.value_counts().index if name not in (_OTHERS, _UNKNOWN)]
    handles = []
    for name, colour in zip([*order, _OTHERS, _UNKNOWN], [*_COLOURS[: len(order)], MUTED, "#B5B5B5"], strict=True):
        rows = table[group == name]
        if len(rows):
            handles.append(
                axes.scatter(rows["x"], rows["y"], s=16, color=colour, alpha=0.85, linewidths=0, label=_short(name, 22))
            )
    for row in _with_room(table):
        axes.annotate(
            _short(str(row["name"]), 18),
            (row["x"], row["y"]),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            size=TEXT_SIZE - 2.5,
            color=INK,
        )
    axes.set(xlim=(-1.05, 1.12), ylim=(1.05, -1.05), xticks=[], yticks=[])
    axes.grid(visible=False)
    axes.spines[["left", "bottom"]].set_visible(False)
    legend_above(figure, page, handles, 0.95, ncols=4)
    return figure


def _groups(industry: pd.Series) -> pd.Series:
    """The most frequent industries by name, the others together."""
    names = industry.astype(object).where(industry.notna() & (industry.astype(str).str.strip() != ""), _UNKNOWN)
    frequent = names[names != _UNKNOWN].value_counts().index[: len(_COLOURS)]
    return names.where(names.isin([*frequent, _UNKNOWN]), _OTHERS)


def _with_room(table: pd.DataFrame) -> list[dict[Hashable, Any]]:
    """Rows whose names do not cover each other, in the order of the table."""
    placed: list[tuple[float, float]] = []
    rows: list[dict[Hashable, Any]] = []
    for row in table.dropna(subset=["name"]).to_dict("records"):
        if len(rows) == _NAMES:
            break
        if all(abs(row["x"] - x) > 4 * _APART or abs(row["y"] - y) > _APART for x, y in placed):
            placed.append((row["x"], row["y"]))
            rows.append(row)
    return rows


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
