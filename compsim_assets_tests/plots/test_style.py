import io
import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from compsim_assets.plots.methods import method_styles
from compsim_assets.plots.style import SYNTHETIC_TEXT, preview_png, to_png
from compsim_assets_tests.plots.frames import EMPTY, FIGURES, drawn, mean_correlation, shown, texts
from compsim_assets_tests.plots.readable import assert_readable


def test_png_decodes_at_the_asked_size():
    figure = shown("interpretability", synthetic=True)
    with Image.open(io.BytesIO(to_png(figure, dpi=60))) as image:
        image.load()
        assert image.size == tuple((figure.get_size_inches() * 60).astype(int))
        assert image.info["dpi"] == pytest.approx((60, 60), abs=0.1)
        assert len(set(image.convert("L").tobytes())) > 20  # something is drawn


def test_png_is_150_dpi_and_names_no_software_or_date():
    with Image.open(io.BytesIO(to_png(shown("histogram", empty=True)))) as image:
        assert image.info["dpi"] == pytest.approx((150, 150), abs=0.1)
        assert image.text == {}


def test_same_data_same_bytes():
    kind = "theta-by-year"
    figure = shown(kind, synthetic=True)
    first = to_png(figure, dpi=70)
    preview = preview_png(to_png(figure))
    assert to_png(figure, dpi=70) == first  # another size in between changes nothing
    again = FIGURES[kind](True)
    assert to_png(again, dpi=70) == first
    assert preview_png(to_png(again)) == preview


def test_the_readers_own_settings_change_nothing_and_stay():
    plain = to_png(FIGURES["interpretability"](False), dpi=70)
    with mpl.rc_context({"font.size": 30, "lines.linewidth": 9, "xtick.color": "red", "axes.grid": False}):
        before = dict(mpl.rcParams)
        assert to_png(FIGURES["interpretability"](False), dpi=70) == plain
        assert dict(mpl.rcParams) == before


def test_pyplot_is_never_imported():
    code = (
        "import sys; from compsim_assets.plots.style import preview_png, to_png;"
        "from compsim_assets_tests.plots.frames import EMPTY, FIGURES;"
        "preview_png(to_png(EMPTY['proportion'](True))); FIGURES['theta-by-year'](False);"
        "sys.exit('matplotlib.pyplot' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0


def test_preview_fits_decodes_and_keeps_every_methods_colour():
    data = preview_png(to_png(shown("by-year")))
    assert len(data) <= 40_000
    with Image.open(io.BytesIO(data)) as image:
        assert image.width >= 600
        colours = np.array([colour for _, colour in image.convert("RGB").getcolors(256)])
    for name, style in method_styles(mean_correlation()["method"]).items():
        distance = np.abs(colours - 255 * np.array(to_rgb(style.colour))).max(axis=1).min()
        assert distance <= 4, name


def test_preview_shrinks_before_it_gives_up():
    png = to_png(shown("histogram", empty=True))
    large = preview_png(png)
    small = preview_png(png, max_bytes=int(0.8 * len(large)))
    assert len(small) <= 0.8 * len(large)
    assert Image.open(io.BytesIO(small)).width < Image.open(io.BytesIO(large)).width
    with pytest.raises(ValueError, match="no readable preview"):
        preview_png(png, max_bytes=1_000)


# What these write inside their panels stands beside what it belongs to.
INSIDE = ("objective", "by-theta", "theta-by-year", "interpretability", "proportion", "year-map", "why")


@pytest.mark.parametrize("kind", FIGURES)
def test_a_figure_is_readable_and_marked_where_its_data_are_synthetic(kind):
    figure = shown(kind, synthetic=True)
    assert_readable(figure, inside=kind not in INSIDE)
    assert [SYNTHETIC_TEXT.lower() in text.lower() for text in texts(figure)].count(True) == 2
    assert not any("synthetic" in text.lower() for text in texts(shown(kind)))


@pytest.mark.parametrize("kind", EMPTY)
def test_a_page_without_data_says_so_and_is_marked_as_well(kind):
    figure = shown(kind, synthetic=True, empty=True)
    assert_readable(figure)
    assert [SYNTHETIC_TEXT.lower() in text.lower() for text in texts(figure)].count(True) == 2
    (text,) = drawn(figure, "no-data")
    assert text.get_text().startswith("No data: ")
    assert not figure.axes
    assert drawn(figure, "title")[0].get_text()
    assert not any("synthetic" in text.lower() for text in texts(shown(kind, empty=True)))
