"""The training curve: both sides in per cent, the last of each told, and dead latents."""

import numpy as np
import pytest

from compsim_assets.plots.training import training_curve
from compsim_assets_tests.plots.frames import gids, line_of, sae_training, shown


def test_both_sides_and_the_dead_are_drawn_in_per_cent_by_tokens() -> None:
    table = sae_training()
    above, below = shown("training").axes
    for gid in ("fvu", "held_out_fvu"):
        np.testing.assert_allclose(line_of(above, gid).get_ydata(), 100 * table[gid])
        np.testing.assert_allclose(line_of(above, gid).get_xdata(), table["tokens"] / 1e6)
    np.testing.assert_allclose(line_of(below, "dead").get_ydata(), 100 * table["dead"])
    labels = [text.get_text() for text in above.get_legend().get_texts()]
    assert labels == ["texts trained on: 7.0 % in the end", "texts held out: 7.4 % in the end"]


@pytest.mark.parametrize("nothing", [None, np.nan])
def test_where_nothing_is_held_out_there_is_one_line(nothing: float | None) -> None:
    above, _ = training_curve(sae_training().assign(held_out_fvu=nothing), False).axes
    assert gids(above) == {"fvu"}
