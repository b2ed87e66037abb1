"""Names that data bring are drawn letter by letter: matplotlib reads formulas between dollar signs."""

from collections.abc import Callable
from itertools import cycle

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from compsim_assets.plots.correlation_by_theta import mean_correlation_by_theta
from compsim_assets.plots.correlation_by_year import mean_correlation_by_year
from compsim_assets.plots.cutoffs import theta_by_year
from compsim_assets.plots.forest import methods_forest
from compsim_assets.plots.interpretability import interpretability_over_sparsity, proportion_of_strong_features
from compsim_assets.plots.levels import lift_by_peers, mean_correlation_by_size
from compsim_assets.plots.methods import method_styles, mode_name, similarity_styles
from compsim_assets.plots.style import to_png
from compsim_assets.plots.trading import equity_curves
from compsim_assets_tests.plots.frames import (
    FIGURES,
    curve,
    cutoffs,
    interpretability_curve,
    mean_correlation,
    population,
    proportions,
    robustness,
    shown,
    trading,
)
from compsim_assets_tests.plots.readable import assert_readable

# The first three are read as formulas, the third as one that does not exist.
NAMES = (
    "A$B$C", "$x^2$_base", r"$\nothing$", "50%_up", "a_b^c", r"\alpha", r"\$", "{0}", "%s %(x)s", "_hidden",
    "a name that goes on and on $and$ on until nobody reads it any more", "W" * 60,
)  # fmt: skip
MODES = dict(zip(NAMES, cycle(cutoffs().values()), strict=False))
EVERY = robustness((*NAMES, "sic_code"), NAMES)

OF_METHODS: dict[str, Callable[[], Figure]] = {
    "by-year": lambda: mean_correlation_by_year(mean_correlation(methods=NAMES), True),
    "forest": lambda: methods_forest(EVERY, dict.fromkeys(NAMES, 0.3), True),
    "by-size": lambda: mean_correlation_by_size(EVERY, True),
    "trading": lambda: equity_curves(*trading(NAMES, days=60), True),
    "theta-by-year": lambda: theta_by_year(MODES, True),
}
OTHERS: dict[str, Callable[[], Figure]] = {
    "lift": lambda: lift_by_peers(EVERY, True),
    "by-theta": lambda: mean_correlation_by_theta(curve(), dict([*MODES.items()][:2]), population(), True),
    "interpretability": lambda: interpretability_over_sparsity(interpretability_curve(), NAMES[0], True),
    "proportion": lambda: proportion_of_strong_features(proportions(), NAMES[0], True),
}
# What they write of these names.
WRITTEN = {
    **dict.fromkeys(OF_METHODS, tuple(style.label for style in method_styles(NAMES).values())),
    "lift": [style.label for style in similarity_styles(NAMES).values()],
    "by-theta": ["A$b$c theta -3.05".replace("-", "\N{MINUS SIGN}"), "$x^2$-base theta"],
    **dict.fromkeys(("interpretability", "proportion"), (mode_name(NAMES[0]),)),
}


def texts_of(figure: Figure) -> list[Text]:
    """All texts, those of legends and ticks included."""
    assert to_png(figure, dpi=50)
    return [text for text in figure.findobj(Text) if text.get_text()]


@pytest.mark.parametrize("kind", [*OF_METHODS, *OTHERS])
def test_names_are_drawn_letter_by_letter(kind: str) -> None:
    texts = texts_of({**OF_METHODS, **OTHERS}[kind]())
    assert [text.get_text() for text in texts if text.get_parse_math()] == []
    drawn = [text.get_text() for text in texts]
    for label in WRITTEN[kind]:
        assert any(label in text for text in drawn), label


@pytest.mark.parametrize("kind", FIGURES)
def test_no_figure_reads_formulas(kind: str) -> None:
    assert [text.get_text() for text in texts_of(shown(kind)) if text.get_parse_math()] == []


@pytest.mark.parametrize("kind", [kind for kind in OF_METHODS if kind != "theta-by-year"])
def test_the_longest_names_leave_the_page_readable(kind: str) -> None:
    assert_readable(OF_METHODS[kind]())


def test_a_dollar_sign_takes_its_room() -> None:
    """What is measured is what is drawn: the same letters as a formula would be narrower."""

    def width(name: str) -> float:
        table = mean_correlation(methods=(name,))
        (text,) = [text for text in texts_of(mean_correlation_by_year(table, False)) if text.get_text() == name]
        return float(text.get_window_extent().width)

    assert width("A$B$C") > width("ABC") + 5
    assert np.isclose(width("A$B$C"), width("B$A$C"), atol=2)
