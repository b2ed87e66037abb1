"""How a sparse autoencoder was trained: what it leaves unexplained, and which latents are dead."""

import pandas as pd
from matplotlib.figure import Figure

from compsim_assets.plots.axes import no_data_figure, percent_axis
from compsim_assets.plots.style import BLUE, ORANGE, VERMILLION, Page, new_figure, styled

_TITLE = "Training of the sparse autoencoder"


@styled
def training_curve(history: pd.DataFrame, synthetic: bool) -> Figure:
    """Fraction of variance unexplained above, dead latents below, by tokens.

    Args:
        history: the table `sae_training`.
    """
    if history.empty:
        return no_data_figure(_TITLE, "no sparse autoencoder was trained", synthetic)
    last = history.iloc[-1]
    figure, (above, below) = new_figure(
        _TITLE,
        f"{last['tokens']:,.0f} tokens, {last['passes']:.1f} times each, {last['l0']:.0f} latents active per token. "
        "Where the lines part, texts are learned by heart.",
        page=Page(height=6.0, top=1.0, row_gap=0.5, bottom=0.9),
        rows=2,
        heights=(3.0, 1.2),
        synthetic=synthetic,
    )
    million = history["tokens"] / 1e6
    lines = (("fvu", "texts trained on", BLUE), ("held_out_fvu", "texts held out", ORANGE))
    for column, label, colour in lines:
        values = 100 * history[column].astype(float)
        if values.notna().any():
            above.plot(million, values, color=colour, label=f"{label}: {values.iloc[-1]:.1f} % in the end", gid=column)
    above.set_yscale("log")
    above.set_yticks([5, 10, 20, 50, 100], ["5 %", "10 %", "20 %", "50 %", "100 %"])
    above.minorticks_off()
    above.set_ylabel("Variance unexplained")
    above.legend(loc="upper right")
    below.plot(million, 100 * history["dead"], color=VERMILLION, gid="dead")
    below.set_ylim(bottom=0)
    below.set_ylabel("Dead latents")
    below.set_xlabel("Million tokens")
    percent_axis(below)
    return figure
