"""What is said of prices that trading cannot use."""

import numpy as np

from compsim_assets.evidence.trading import window_notes
from compsim_assets.science.trading.price_panel import PricePanel


def panel(n_days: int) -> PricePanel:
    days = np.datetime64("2014-01-01") + np.arange(n_days)
    return PricePanel(days, ["A"], np.ones((n_days, 1)))


def test_a_window_without_prices_is_named() -> None:
    assert window_notes(panel(5), panel(5)) == {}
    assert "before trading" in window_notes(panel(0), panel(5))["windows_without_prices"]
    assert "nothing is traded" in window_notes(panel(5), panel(0))["windows_without_prices"]
