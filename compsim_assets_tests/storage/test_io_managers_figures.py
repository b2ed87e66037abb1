"""IO managers of figures and of the PCA model: files, descriptions, previews."""

import io
from base64 import b64decode
from typing import Any

import dagster as dg
import pytest
from matplotlib.figure import Figure
from PIL import Image

from compsim_assets.partitions import cutoff_modes
from compsim_assets.settings import Settings
from compsim_assets.storage.io_managers import FigureIOManager
from compsim_assets.storage.results import Results
from compsim_assets_tests.storage.test_io_managers import materialize, metadata


def drawing() -> Figure:
    figure = Figure(figsize=(6, 4))
    figure.subplots().plot([1, 3, 2])
    return figure


def figure_asset(settings: Settings, **options: Any) -> dg.ExecuteInProcessResult:
    mode = "base" if options else None

    @dg.asset(name="curve", io_manager_key="figure_io_manager", **options)
    def curve():
        return drawing()

    return materialize(settings, [curve], mode)


@pytest.mark.parametrize("by_mode", [False, True])
def test_a_figure_is_a_png_with_a_small_preview(settings: Settings, results: Results, by_mode: bool) -> None:
    result = figure_asset(settings, **({"partitions_def": cutoff_modes} if by_mode else {}))
    path = results.figure("curve", "base" if by_mode else None)
    image = path.read_bytes()
    with Image.open(io.BytesIO(image)) as opened:
        opened.load()
        assert opened.format == "PNG"
        assert opened.size[0] >= 600
    said = metadata(result, "curve")
    assert (said["path"], said["bytes"]) == (str(path), len(image))
    start, data = said["preview"].split(";base64,")
    assert start == "![curve](data:image/png"
    with Image.open(io.BytesIO(b64decode(data.removesuffix(")")))) as opened:
        opened.load()
        assert opened.size[0] / opened.size[1] == pytest.approx(6 / 4, rel=0.01)


def test_a_figure_is_read_as_its_bytes(settings: Settings, results: Results) -> None:
    figure_asset(settings)
    context = dg.build_input_context(asset_key=dg.AssetKey("curve"))
    read = FigureIOManager(settings=settings).load_input(context)
    assert read == results.figure("curve").read_bytes()
