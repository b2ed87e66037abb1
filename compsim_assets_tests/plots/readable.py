"""A check that holds for every figure: its texts can be read."""

from typing import Any

from matplotlib.figure import Figure


def _labels(axes: Any, inside: bool) -> list[Any]:
    """All texts of these axes, those inside only on demand; of ticks only those in view, the others are not drawn."""
    labels = [*(axes.texts if inside else ()), axes.title, axes._left_title]
    for axis in (axes.xaxis, axes.yaxis) if axes.axison else ():
        low, high = sorted(axis.get_view_interval())
        ticks = [tick for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
        labels += [axis.label, *(tick.label1 for tick in ticks)]
    return [text for text in labels if text.get_visible() and text.get_text()]


def assert_readable(figure: Figure, dpi: float = 85, *, inside: bool = True) -> None:
    """No text leaves the page, touches another one or, but for an empty panel's, is in a panel.

    At the size of a preview at which letters are rounded up: texts are longest there. Texts that a figure writes inside
    its panels are left out without `inside`.
    """
    figure.set_dpi(dpi)
    figure.draw_without_rendering()
    written = [text for text in figure.texts if text.get_text()]
    written += [text for axes in figure.axes for text in _labels(axes, inside)]
    boxes = [(text.get_text(), text.get_window_extent()) for text in written]
    boxes += [("legend", legend.get_window_extent()) for legend in figure.legends]
    for k, (text, box) in enumerate(boxes):
        assert min(box.x0, box.y0) >= 0, text
        assert box.x1 <= figure.bbox.width, text
        assert box.y1 <= figure.bbox.height, text
        touched = [other for other, place in boxes[k + 1 :] if box.overlaps(place)]
        assert not touched, (text, touched)
        in_panel = any(box.overlaps(axes.bbox) for axes in figure.axes)
        assert not in_panel or text.startswith("No "), text
