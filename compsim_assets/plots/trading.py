"""Equity of pairs trading: as published, and honestly with the band of random pairs."""

from collections.abc import Mapping
from datetime import UTC
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from compsim_assets.plots.axes import Key, beside, no_data_figure, say, signed
from compsim_assets.plots.methods import MethodStyle, key_height, method_styles
from compsim_assets.plots.style import INK, MUTED, TEXT_SIZE, Page, new_figure, styled

_TITLE = "Pairs trading: as published, and honest"
_PANEL, _SPACER, _KEY_WIDTH = 1.75, 0.05, 3.75  # inches
_LOG_FROM, _LOWEST = 10.0, 0.01  # capital at which a panel gets a log scale; the least in it
_BAND = "#D9D9D9"
_COSTLY = (0, (3, 1.5))
_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_WEEK = 7  # rows without a weekend: all days are traded


@styled
def equity_curves(pairs_daily: pd.DataFrame, pairs_backtest: pd.DataFrame, synthetic: bool) -> Figure:
    """Equity by day: all methods as published above, one panel per method of the honest variant below.

    Honest panels have the lowest and the highest cost, and the band of as many random pairs at the lowest.

    Args:
        pairs_daily: contract table; equity is 1 before the first day.
        pairs_backtest: contract table; the Sharpe ratios that are written. A method with a row here
            and without days has an empty panel.
    """
    if pairs_daily.empty:
        return no_data_figure(_TITLE, "no pair of companies was traded", synthetic)
    daily = pairs_daily.assign(day=date2num(pd.to_datetime(pairs_daily["date"]).to_numpy()))
    styles = method_styles({*daily["method"].unique(), *pairs_backtest["method"]})
    honest = daily[daily["variant"] == "honest"]
    judged = pairs_backtest[pairs_backtest["variant"] == "honest"]
    with_panel = {*honest["method"].unique(), *judged["method"]}
    below = [name for name in styles if name in with_panel]
    columns = {0: 1, 1: 1, 2: 2, 4: 2}.get(len(below), 3)
    rows = max(1, -(-len(below) // columns))
    page = _page(styles, rows)
    figure, panels = new_figure(
        _TITLE,
        "Value of one unit of capital. As published, profits are booked many times over, and every pair starts "
        "from what the pairs before it left at the end.",
        page=page,
        rows=rows + 2,
        columns=columns,
        heights=(_top_height(styles), _SPACER, *[_PANEL] * rows),
        note=f"{_day(daily['date'].min())} to {_day(daily['date'].max())}. Sharpe ratios: {_annual(daily['day'])}, "
        "risk-free rate 0; in brackets their 95 % interval.",
        synthetic=synthetic,
    )
    for axes in panels[1 : 2 * columns]:
        axes.remove()
    top, small = panels[0], panels[2 * columns :]
    _as_published(top, page, daily[daily["variant"] == "as_published"], styles)
    _published_key(figure, page, pairs_backtest, styles)
    for axes, name in zip(small, below, strict=False):
        _honest(axes, honest[honest["method"] == name], judged[judged["method"] == name], styles[name])
    _honest_heading(figure, small[0], page, honest, bool(below))
    _share_scales(small, len(below), columns, honest)
    _date_axis([top, *small[: len(below)]], daily["day"])
    return figure


def _annual(days: "pd.Series[float]") -> str:
    """How the ratios are annual: rows of weeks or months, or of all seven days, are not 252 a year."""
    steps = np.diff(np.unique(days))
    usual = len(steps) == 0 or (np.median(steps) <= 1 and (len(steps) < _WEEK or steps.max() > 1))
    return "daily, times the root of 252" if usual else "times the root of the rows a year"


def _day(date: Any) -> str:
    return str(pd.Timestamp(date).date())


def _top_height(styles: Mapping[str, MethodStyle]) -> float:
    """As high as its key, and at least so high that curves can be told apart."""
    return max(2.5, 0.1 + key_height(styles))


def _page(styles: Mapping[str, MethodStyle], rows: int) -> Page:
    gap = 0.95
    inside = _top_height(styles) + _SPACER + rows * _PANEL + (rows + 1) * gap
    height = round(2.1 + inside, 2)
    return Page(width=12.0, height=height, right=0.3, top=1.25, bottom=0.85, row_gap=gap, column_gap=0.5)


def _as_published(axes: Axes, page: Page, daily: pd.DataFrame, styles: Mapping[str, MethodStyle]) -> None:
    """All methods in one panel, as wide as the page less the key."""
    box = axes.get_position()
    box.x1 = page.x(-page.right - _KEY_WIDTH)
    axes.set_position(box)
    axes.yaxis.set_label_coords(-0.55 / (box.width * page.width), 0.5)
    cheapest = daily[daily["cost_bp"] == daily["cost_bp"].min()]
    for name, style in styles.items():
        rows = cheapest[cheapest["method"] == name]
        _curve(axes, rows, f"as-published:{name}", color=style.colour, linestyle=style.linestyle)
    logs = _money_axis(axes, pd.concat([cheapest["equity"], pd.Series([1.0])]))
    axes.set_title("As published, traps included" + (" (log scale)" if logs else ""))
    ruined = cheapest.loc[cheapest["equity"] <= 0, "method"].unique()
    if logs and len(ruined):
        who = styles[ruined[0]].label if len(ruined) == 1 else f"{len(ruined)} methods"
        axes.set_title(f"Not drawn below zero: {who}", loc="right", size=TEXT_SIZE - 1, weight="normal", color=MUTED)
    axes.set_ylabel("Equity")
    if cheapest.empty:
        axes.set_axis_off()
        say(axes, "No pair was traded in this variant")


def _curve(axes: Axes, rows: pd.DataFrame, gid: str, **look: Any) -> None:
    rows = rows.sort_values("day")
    look = {"linewidth": 1.4, "marker": "o" if len(rows) == 1 else None, "markersize": 3, **look}
    axes.plot(rows["day"], rows["equity"].to_numpy(float), gid=gid, **look)


def _money_axis(axes: Axes, values: "pd.Series[float]") -> bool:
    """A log scale where capital grows tenfold; what falls below a hundredth then leaves the panel."""
    high = float(values.max())
    logs = high >= _LOG_FROM
    low = max(float(values[values > 0].min()), _LOWEST) if logs else float(values.min())
    if logs:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(numticks=6))
        axes.yaxis.set_minor_locator(NullLocator())
    else:
        axes.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
    axes.yaxis.set_major_formatter(FuncFormatter(_money))
    edge = (high / low) ** 0.05 if logs else max(0.05 * (high - low), 0.01)
    axes.set_ylim((low / edge, high * edge) if logs else (low - edge, high + edge))
    return logs


def _money(value: float, _: int | None = None) -> str:
    exponent = np.log10(value) if value >= 1e4 else 0.5
    if abs(exponent - round(exponent)) < 1e-9:
        return "10" + str(round(exponent)).translate(_RAISED)
    return f"{value:,.10g}".replace("-", "\N{MINUS SIGN}")


def _published_key(figure: Figure, page: Page, backtest: pd.DataFrame, styles: Mapping[str, MethodStyle]) -> None:
    rows = backtest[backtest["variant"] == "as_published"].sort_values("cost_bp")
    sharpe = rows.drop_duplicates("method").set_index("method")["sharpe"]
    numbers = {str(name): [signed(value, 2)] for name, value in sharpe.items()}
    plain = {name: MethodStyle(s.label, s.group, s.colour, "", s.linestyle) for name, s in styles.items()}
    Key(page, page.right + _KEY_WIDTH - 0.25, ("Sharpe",), 2.25, 0.6).draw(figure, plain, numbers)


def _honest(axes: Axes, daily: pd.DataFrame, judged: pd.DataFrame, style: MethodStyle) -> None:
    axes.set_title(style.label, pad=31)
    if daily.empty:
        say(axes, "No pair was traded")
        return
    name, low, high = daily["method"].iloc[0], daily["cost_bp"].min(), daily["cost_bp"].max()
    cheapest = daily[daily["cost_bp"] == low].sort_values("day")
    band = cheapest.dropna(subset=["placebo_low", "placebo_high"])
    if len(band):
        look: dict[str, Any] = {"color": _BAND, "linewidth": 0, "gid": f"placebo:{name}"}
        axes.fill_between(band["day"], band["placebo_low"], band["placebo_high"], **look)
    axes.axhline(1, color=INK, linewidth=0.8, gid="start")
    if high > low:
        look = {"color": style.colour, "linestyle": _COSTLY, "linewidth": 0.9, "alpha": 0.75}
        _curve(axes, daily[daily["cost_bp"] == high], f"highest-cost:{name}", **look)
    _curve(axes, cheapest, f"honest:{name}", color=style.colour)
    for text, above in zip(_sharpe_lines(judged, low, high), (17, 5), strict=True):
        beside(axes, text, (0, 1), (0, above), "axes fraction", gid=f"sharpe:{name}", size=TEXT_SIZE - 1)


def _sharpe_lines(judged: pd.DataFrame, low: float, high: float) -> tuple[str, str]:
    at = {float(row["cost_bp"]): row for _, row in judged.iterrows()}
    if low not in at:
        return "", ""
    first = "Sharpe " + _with_interval(at[low], "sharpe", "sharpe_low", "sharpe_high")
    if high > low and high in at:
        first += f", at {high:g} bp {signed(at[high]['sharpe'], 2)}"
    random = _with_interval(at[low], "placebo_sharpe", "placebo_low", "placebo_high")
    return first, f"Random pairs {random}"


def _with_interval(row: "pd.Series[float]", value: str, low: str, high: str) -> str:
    text = signed(row[value], 2)
    if np.isfinite(row[low]) and np.isfinite(row[high]):
        text += f" [{signed(row[low], 2)}, {signed(row[high], 2)}]"
    return text


def _honest_heading(figure: Figure, first: Axes, page: Page, honest: pd.DataFrame, any_method: bool) -> None:
    """Heading and legend of the lower panels, above their titles."""
    y = first.get_position().y1 + 0.82 / page.height
    heading = "Honest: no look-ahead, closed once, costs paid"
    figure.text(page.x(page.left), y, heading, size=11, weight="bold", gid="honest-heading")
    costs = sorted(honest["cost_bp"].unique())
    if not costs:
        if not any_method:
            first.set_axis_off()
            say(first, "No pair was traded in this variant")
        return
    handles: list[Line2D | Patch] = [Line2D([], [], color=INK, linewidth=1.4, label=f"At {costs[0]:g} bp a trade")]
    if len(costs) > 1:
        label = f"At {costs[-1]:g} bp"
        handles.append(Line2D([], [], color=INK, linewidth=0.9, linestyle=_COSTLY, label=label))
    if honest["placebo_low"].notna().any():
        handles.append(Patch(color=_BAND, label=f"95 % of random pairs at {costs[0]:g} bp"))
    place: dict[str, Any] = {
        "loc": "lower right",
        "bbox_to_anchor": (page.x(-page.right), y),
        "borderpad": 0,
        "borderaxespad": 0,
    }
    figure.legend(handles=handles, ncols=len(handles), columnspacing=1.3, handlelength=1.6, **place)


def _share_scales(small: list[Axes], used: int, columns: int, honest: pd.DataFrame) -> None:
    """The same y scale in every lower panel; cells without a method go."""
    for axes in small[max(used, 1) :]:
        axes.remove()
    values = [honest[column] for column in ("equity", "placebo_low", "placebo_high")]
    drawn = pd.concat([*values, pd.Series([1.0])])
    for k, axes in enumerate(small[:used]):
        _money_axis(axes, drawn)
        if k % columns:
            axes.tick_params(labelleft=False)
        else:
            axes.set_ylabel("Equity")


def _date_axis(panels: list[Axes], days: "pd.Series[float]") -> None:
    """The same days in every panel, and few enough labels for the narrow ones."""
    first, last = float(days.min()), float(days.max())
    margin = max(0.02 * (last - first), 2.0)
    for k, axes in enumerate(panels):
        axes.set_xlim(first - margin, last + margin)
        locator = AutoDateLocator(minticks=3, maxticks=5 if k else 9, tz=UTC)
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, tz=UTC, show_offset=False))
