"""Why two reports are alike: what themes contribute to their cosine, as bars."""

import pandas as pd
from matplotlib.figure import Figure

from compsim_assets.plots.axes import no_data_figure
from compsim_assets.plots.style import BLUE, MUTED, ORANGE, TEXT_SIZE, Page, new_figure, styled

_TITLE = "Why are they alike?"
_LONGEST = 48


@styled
def why_alike(
    reasons: pd.DataFrame, names: tuple[str, str], year: int, cosine: float, rest: float, synthetic: bool
) -> Figure:
    """Bars of contributions to the cosine of two reports, the largest at the top, and all others together.

    Args:
        reasons: label, contribution; what speaks against is negative.
        names: of the two companies.
        rest: what all others contribute.
    """
    subtitle = f"{_short(names[0])} and {_short(names[1])}, {year}: cosine {cosine:.3f}"
    if reasons.empty:
        return no_data_figure(_TITLE, f"{subtitle}; there are no reasons without features", synthetic)
    labels = [*map(_short, reasons["label"]), "all others together"]
    values = [*reasons["contribution"].tolist(), rest]
    figure, (axes,) = new_figure(
        _TITLE,
        subtitle,
        page=Page(height=2.5 + 0.32 * len(values), left=4.1, right=0.9),
        note="Contributions sum to the cosine.",
        synthetic=synthetic,
    )
    places = range(len(values))
    colours = [*(BLUE if value >= 0 else ORANGE for value in values[:-1]), MUTED]
    axes.barh(places, values, color=colours, height=0.7)
    axes.set_yticks(places, labels)
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    axes.grid(axis="x", visible=True)
    axes.axvline(0, color=MUTED, linewidth=0.8)
    axes.set_xlabel("contribution to the cosine")
    axes.margins(x=0.12)
    for place, value in zip(places, values, strict=True):
        share = f"  {100 * value / cosine:.0f} %" if cosine else ""
        side = "left" if value >= 0 else "right"
        axes.text(value, place, f"{share}  ", va="center", ha=side, size=TEXT_SIZE - 1, color=MUTED)
    return figure


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
