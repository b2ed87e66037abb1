import io
import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from compsim_assets.plots.methods import method_styles
from compsim_assets.plots.style import OKABE_ITO, SYNTHETIC_TEXT, mark_synthetic, preview_png, to_png
from compsim_assets_tests.plots.frames import EMPTY, FIGURES, drawn, mean_correlation, shown, texts


@pytest.mark.parametrize("kind", FIGURES)
def test_png_decodes_at_the_asked_size(kind):
    figure = shown(kind, synthetic=True)
    with Image.open(io.BytesIO(to_png(figure, dpi=60))) as image:
        image.load()
        assert image.size == tuple((figure.get_size_inches() * 60).astype(int))
        assert image.info["dpi"] == pytest.approx((60, 60), abs=0.1)
        assert len(set(image.convert("L").tobytes())) > 20  # something is drawn


def test_png_is_150_dpi_and_names_no_software_or_date():
    with Image.open(io.BytesIO(to_png(shown("histogram", empty=True)))) as image:
        assert image.info["dpi"] == pytest.approx((150, 150), abs=0.1)
        assert image.text == {}


@pytest.mark.parametrize("kind", ["histogram", "theta-by-year"])
def test_same_data_same_bytes(kind):
    figure = FIGURES[kind](True)
    first = to_png(figure, dpi=70)
    preview = preview_png(figure)
    assert to_png(figure, dpi=70) == first  # a preview in between changes nothing
    again = FIGURES[kind](True)
    assert to_png(again, dpi=70) == first
    assert preview_png(again) == preview


def test_the_readers_own_settings_change_nothing_and_stay():
    plain = to_png(FIGURES["interpretability"](False), dpi=70)
    with mpl.rc_context({"font.size": 30, "lines.linewidth": 9, "xtick.color": "red", "axes.grid": False}):
        before = dict(mpl.rcParams)
        assert to_png(FIGURES["interpretability"](False), dpi=70) == plain
        assert dict(mpl.rcParams) == before


def test_pyplot_is_never_imported():
    code = (
        "import sys; from compsim_assets.plots.style import preview_png;"
        "from compsim_assets_tests.plots.frames import FIGURES;"
        "preview_png(FIGURES['proportion'](True)); FIGURES['theta-by-year'](False);"
        "sys.exit('matplotlib.pyplot' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0


def test_preview_fits_decodes_and_keeps_every_methods_colour():
    data = preview_png(shown("by-year"))
    assert len(data) <= 40_000
    with Image.open(io.BytesIO(data)) as image:
        assert image.width >= 600
        colours = np.array([colour for _, colour in image.convert("RGB").getcolors(256)])
    for name, style in method_styles(mean_correlation()["method"]).items():
        distance = np.abs(colours - 255 * np.array(to_rgb(style.colour))).max(axis=1).min()
        assert distance <= 16, name


def test_preview_shrinks_before_it_gives_up():
    figure = shown("histogram", empty=True)
    large = preview_png(figure)
    small = preview_png(figure, max_bytes=int(0.8 * len(large)))
    assert len(small) <= 0.8 * len(large)
    assert Image.open(io.BytesIO(small)).width < Image.open(io.BytesIO(large)).width
    with pytest.raises(ValueError, match="no readable preview"):
        preview_png(figure, max_bytes=1_000)


@pytest.mark.parametrize("empty", [False, True], ids=["full", "empty"])
@pytest.mark.parametrize("kind", FIGURES)
def test_synthetic_data_are_marked_twice_and_real_data_never(empty, kind):
    marked = [text for text in texts(shown(kind, True, empty)) if SYNTHETIC_TEXT.lower() in text.lower()]
    assert len(marked) == 2
    assert not any("synthetic" in text.lower() for text in texts(shown(kind, False, empty)))


def test_marking_twice_adds_nothing():
    figure = FIGURES["histogram"](True)
    count = len(figure.texts)
    mark_synthetic(figure)
    assert len(figure.texts) == count


@pytest.mark.parametrize("empty", [False, True], ids=["full", "empty"])
@pytest.mark.parametrize("kind", FIGURES)
def test_page_texts_stay_on_the_page_and_apart(empty, kind):
    figure = shown(kind, True, empty)
    renderer = figure.canvas.get_renderer()
    boxes = [(t.get_text(), t.get_window_extent(renderer)) for t in figure.texts if t.get_text()]
    boxes += [("legend", legend.get_window_extent(renderer)) for legend in figure.legends]
    panels = [("panel", axes.bbox) for axes in figure.axes]
    for k, (text, box) in enumerate(boxes):
        assert box.x0 >= 0, text
        assert box.y0 >= 0, text
        assert box.x1 <= figure.bbox.width, text
        assert box.y1 <= figure.bbox.height, text
        for other, other_box in boxes[k + 1 :] + panels:
            assert not box.overlaps(other_box), (text, other)


@pytest.mark.parametrize("kind", FIGURES)
def test_axes_texts_stay_on_the_page(kind):
    figure = shown(kind)
    for axes in figure.axes:
        box = axes.get_tightbbox()
        assert box.x0 >= 0
        assert box.x1 <= figure.bbox.width
        assert box.y0 >= 0


@pytest.mark.parametrize("kind", EMPTY)
def test_no_data_says_so(kind):
    figure = shown(kind, empty=True)
    (text,) = drawn(figure, "no-data")
    assert text.get_text().startswith("No data: ")
    assert not figure.axes
    assert drawn(figure, "title")[0].get_text()


def test_known_methods_look_the_same_in_every_company():
    alone = method_styles(["rolling"])["rolling"]
    together = method_styles(["SBERT", "population", "rolling", "base"])
    assert together["rolling"] == alone
    assert list(together) == ["base", "rolling", "SBERT", "population"]
    assert alone.colour in OKABE_ITO


def test_known_methods_differ():
    styles = method_styles(mean_correlation()["method"]).values()
    assert len({(s.colour, str(s.linestyle), s.hollow) for s in styles}) == len(styles)
    assert len({s.label for s in styles}) == len(styles)


def test_unknown_methods_get_colours_of_their_own():
    unknown = [f"embedding {k}" for k in range(25)]
    styles = method_styles([*unknown, *mean_correlation()["method"]])
    known = {style.colour for name, style in styles.items() if name not in unknown}
    assert len({styles[name].colour for name in unknown} - known) == len(unknown)
    assert method_styles(reversed([*unknown, "base"])) == method_styles([*unknown, "base"])
