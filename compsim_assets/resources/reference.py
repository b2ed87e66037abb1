"""The paper's figures, as published, to show beside ours."""

from importlib.resources import files


def published_mean_correlation() -> dict[str, float]:
    """Published MeanCorr by method (Table 1 of arXiv 2412.02605), under our names and the published ones."""
    import pandas as pd

    path = files("compsim_assets") / "reference" / "published_mean_correlation.csv"
    with path.open("rb") as file:
        table = pd.read_csv(file)
    return dict(zip(table["method"], table["mean_correlation"], strict=True))
