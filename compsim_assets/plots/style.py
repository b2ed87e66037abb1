"""The look of every figure: palette, page layout, the mark of synthetic data, and PNG bytes.

Figures use the object-oriented API only. Settings hold inside `styled` functions and while a PNG is written; nothing
global changes. Colours: Okabe and Ito, "Color Universal Design" (2008), which stay apart for colour-blind readers.
"""

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from types import MappingProxyType
from typing import Any, ParamSpec

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
BLUE, VERMILLION, PURPLE = "#0072B2", "#D55E00", "#CC79A7"
INK, MUTED, GRID = "#222222", "#666666", "#E4E4E4"

TITLE_SIZE, SUBTITLE_SIZE, PANEL_SIZE, TEXT_SIZE = 14.0, 10.0, 10.0, 9.0
SYNTHETIC_TEXT = "Synthetic sample data"
# Of figures in files.
DPI = 150

POPULATION_LINE: Mapping[str, Any] = MappingProxyType(
    {"color": BLACK, "linestyle": (0, (1, 1.2)), "linewidth": 1.4, "zorder": 2}
)

P = ParamSpec("P")

_FAMILIES = {"agg", "axes", "figure", "font", "grid", "hatch", "legend", "lines", "mathtext"} | {
    "patch", "path", "savefig", "scatter", "text", "xtick", "ytick",
}  # fmt: skip
# A reader's own matplotlibrc must not change a figure, so matplotlib's defaults come first.
RC: Mapping[Any, Any] = MappingProxyType(
    {key: mpl.rcParamsDefault[key] for key in mpl.rcParamsDefault if key.split(".")[0] in _FAMILIES}
    | {
        "font.family": ["DejaVu Sans"],
        "font.size": TEXT_SIZE,
        "text.color": INK,
        # Names come from data: a dollar sign in one is no formula, here and in all figures.
        "text.parse_math": False,
        "axes.edgecolor": "#9A9A9A",
        "axes.labelcolor": INK,
        "axes.labelsize": TEXT_SIZE,
        "axes.titlesize": PANEL_SIZE,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.titlepad": 7.0,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.grid.axis": "y",
        "axes.axisbelow": True,
        "grid.color": GRID,
        "grid.linewidth": 0.8,
        "legend.frameon": False,
        "legend.fontsize": TEXT_SIZE,
        "savefig.facecolor": "white",
    }
)


def styled(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """Run a drawing function under the house style and leave matplotlib's settings as they were."""

    @wraps(draw)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> Figure:
        with mpl.rc_context(dict(RC)):
            return draw(*args, **kwargs)

    return wrapper


@dataclass(frozen=True)
class Page:
    """A figure's sizes in inches: margins around the axes, and the gaps between them.

    Explicit margins, not a layout engine: the same axes at every resolution, and room for keys
    beside them. `top` holds title and subtitle, `bottom` x label, note and synthetic line.
    """

    width: float = 10.0
    height: float = 5.8
    left: float = 0.8
    right: float = 0.4
    top: float = 1.25
    bottom: float = 1.05
    row_gap: float = 0.55
    column_gap: float = 0.7

    def x(self, inches: float) -> float:
        """Figure fraction of a distance from the left edge; from the right edge if negative."""
        return inches / self.width if inches >= 0 else 1 + inches / self.width

    def y(self, inches: float) -> float:
        """Figure fraction of a distance below the top edge; above the bottom edge if negative."""
        return 1 - inches / self.height if inches >= 0 else -inches / self.height


def new_figure(
    title: str,
    subtitle: str = "",
    *,
    page: Page = Page(),
    rows: int = 1,
    columns: int = 1,
    heights: Sequence[float] | None = None,
    share_x: bool = False,
    share_y: bool = False,
    note: str = "",
    synthetic: bool,
) -> tuple[Figure, list[Axes]]:
    """A page with title, subtitle, note and a grid of axes (row by row) on an Agg canvas.

    Args:
        title: what is seen; at most about 60 characters, so that the synthetic tag fits beside it.
        heights: relative sizes of the rows.
        note: small print under the axes, one line.
        synthetic: mark the figure as made from generated data.
    """
    figure = Figure(figsize=(page.width, page.height), facecolor="white")
    FigureCanvasAgg(figure)
    figure.text(page.x(0.25), page.y(0.42), title, size=TITLE_SIZE, weight="bold", gid="title")
    if subtitle:
        figure.text(page.x(0.25), page.y(0.68), subtitle, size=SUBTITLE_SIZE, color=MUTED, gid="subtitle")
    if note:
        figure.text(page.x(0.25), page.y(-0.34), note, size=TEXT_SIZE - 1, color=MUTED, gid="note")
    if synthetic:
        _mark_synthetic(figure, page)
    width = (page.width - page.left - page.right - (columns - 1) * page.column_gap) / columns
    height = (page.height - page.top - page.bottom - (rows - 1) * page.row_gap) / rows
    grid = figure.add_gridspec(
        rows,
        columns,
        left=page.x(page.left),
        right=1 - page.x(page.right),
        top=page.y(page.top),
        bottom=1 - page.y(page.bottom),
        wspace=page.column_gap / width,
        hspace=page.row_gap / height,
        height_ratios=heights,
    )
    axes = grid.subplots(sharex=share_x, sharey=share_y, squeeze=False).ravel().tolist()
    for axis in axes:
        # Ticks are made late, outside the style: set them here.
        axis.tick_params(labelsize=TEXT_SIZE - 0.5, labelcolor=INK, color="#9A9A9A", length=4)
        axis.tick_params(which="minor", color="#9A9A9A", length=2)
        # One distance for all y labels, whatever their tick labels: they line up between panels.
        axis.yaxis.set_label_coords(-0.55 / (axis.get_position().width * page.width), 0.5)
    return figure, axes


def _mark_synthetic(figure: Figure, page: Page) -> None:
    """Say that the data are generated: a tag at the right of the title and a line at the foot."""
    look: dict[str, Any] = {"size": TEXT_SIZE - 1, "color": "#8A4B00"}
    box = {"boxstyle": "round,pad=0.35", "facecolor": "#FDF1DC", "edgecolor": ORANGE}
    figure.text(page.x(-0.25), page.y(0.42), SYNTHETIC_TEXT.upper(), weight="bold", ha="right", bbox=box, **look)
    foot = f"{SYNTHETIC_TEXT}: generated companies, prices and scores. No finding about real ones."
    figure.text(page.x(0.25), page.y(-0.14), foot, **look)


def to_png(figure: Figure, dpi: int = DPI) -> bytes:
    """The figure as PNG. The same data give the same bytes: no software or date in the file."""
    buffer = io.BytesIO()
    with mpl.rc_context(dict(RC)):
        figure.savefig(buffer, format="png", dpi=dpi, metadata={"Software": None})
    return buffer.getvalue()


def preview_png(png: bytes, max_bytes: int = 40_000) -> bytes:
    """A figure's PNG made smaller, to at most `max_bytes`, for inline previews: the largest that fits.

    Raises:
        ValueError: if it does not fit at 60 dots per inch and 32 colours; below that, text is lost.
    """
    with Image.open(io.BytesIO(png)) as opened:
        image = opened.convert("RGB")
    for dpi, colours in ((100, 64), (85, 64), (75, 64), (67, 64), (60, 64), (60, 32)):
        preview = _reduced(image, dpi / DPI, colours)
        if len(preview) <= max_bytes:
            return preview
    raise ValueError(f"no readable preview of this figure fits in {max_bytes} bytes")


def _reduced(image: Image.Image, scale: float, colours: int) -> bytes:
    """The image in fewer pixels and colours, as PNG. To draw it again would cost ten times as much."""
    # An octree keeps the few pixels of a thin coloured line, where median cut greys them. Its colours are those of the
    # large image, before pixels are averaged.
    palette = image.quantize(colours, method=Image.Quantize.FASTOCTREE)
    size = round(image.width * scale), round(image.height * scale)
    small = image.resize(size, Image.Resampling.BOX).quantize(palette=palette, dither=Image.Dither.NONE)
    buffer = io.BytesIO()
    small.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()
