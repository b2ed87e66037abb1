"""Small tables with the columns that assets hand to the figures, and one figure of each kind."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from compsim_assets.plots.correlation_by_theta import mean_correlation_by_theta
from compsim_assets.plots.correlation_by_year import mean_correlation_by_year
from compsim_assets.plots.cutoffs import objective_by_theta, theta_by_year
from compsim_assets.plots.features import feature_value_histogram
from compsim_assets.plots.forest import methods_forest
from compsim_assets.plots.fundamentals import fundamentals_by_method
from compsim_assets.plots.interpretability import interpretability_over_sparsity, proportion_of_strong_features
from compsim_assets.plots.levels import lift_by_peers, mean_correlation_by_size
from compsim_assets.plots.reasons import why_alike
from compsim_assets.plots.trading import equity_curves
from compsim_assets.plots.training import training_curve
from compsim_assets.plots.year_map import year_map

METHODS = ("base", "rolling", "sic_code", "sic_division", "GCD", "GCDR", "SIC", "Industry")
LONG = "paraphrase-multilingual-mpnet-base-v2"
MANY = (
    *METHODS, "walk_forward", "gics_sector", f"{LONG}_base", f"{LONG}_rolling", f"{LONG}_kmeans",
    "all-MiniLM-L6-v2_kmeans", "a-published-set-with-a-rather-long-name", "population",
)  # fmt: skip
SIMILARITIES = ("pca", "walk_forward", "supervised", "supervised_length_controlled", "sic2", LONG, "org/model")


def distribution(limit: float = 7.5, bins: int = 300) -> pd.DataFrame:
    edges = np.linspace(0, limit, bins + 1)
    middle = (edges[1:] + edges[:-1]) / 2
    inside = np.exp(-(((middle - 0.65) / 0.2) ** 2)) + 0.6 * np.exp(-(((middle - 1.3) / 0.3) ** 2))
    count = np.concatenate(([45_000], 43_000 * inside / inside.sum(), [12_000])).round()
    count[1 + bins // 2] += 100_000 - count.sum()
    return pd.DataFrame(
        {
            "bin_left": np.concatenate(([0], edges[:-1], [limit])),
            "bin_right": np.concatenate(([0], edges[1:], [np.inf])),
            "count": count.astype(int),
            "share": count / count.sum(),
        }
    )


def mean_correlation(
    years: range = range(2001, 2011), methods: tuple[str, ...] = (*METHODS, "population")
) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    rows = len(years) * len(methods)
    table = pd.DataFrame(
        {
            "method": np.repeat(methods, len(years)),
            "year": np.tile(list(years), len(methods)),
            "mean_correlation": rng.uniform(0.1, 0.5, rows),
            "pair_weighted": rng.uniform(0.1, 0.4, rows),
            "n_clusters": rng.integers(2, 40, rows),
            "n_reports": 400,
            "largest_cluster": rng.integers(2, 300, rows),
            "n_pairs": 1000,
            "coverage": rng.uniform(0.1, 1, rows),
        }
    )
    # A table seldom comes in the order of its years.
    return table.sample(frac=1, random_state=2, ignore_index=True)


def curve(years: range = range(2001, 2008), steps: int = 12) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    parts = [
        pd.DataFrame(
            {
                "year": year,
                "theta": np.sort(rng.uniform(-4.8, -1.2, steps)),
                "mean_correlation": rng.uniform(0.1, 0.6, steps),
                "pair_weighted_mean_correlation": rng.uniform(0.1, 0.3, steps),
                "n_clusters": np.arange(steps, 0, -1),
            }
        )
        for year in years
    ]
    return pd.concat(parts, ignore_index=True).sample(frac=1, random_state=4, ignore_index=True)


def cutoffs(years: range = range(2001, 2008)) -> dict[str, pd.DataFrame]:
    rng = np.random.default_rng(5)
    late = [year for year in years if year >= years[0] + min(5, len(years) - 1)]

    def table(of: list[int], theta: object, in_sample: bool) -> pd.DataFrame:
        return pd.DataFrame(
            {
                "year": of,
                "theta": theta,
                "distance": 0.5,
                "mean_correlation": rng.uniform(0.2, 0.5, len(of)),
                "in_sample": in_sample,
            }
        )

    rolling = np.linspace(-3.3, -2.5, len(late)).round(1)
    return {"base": table(list(years), -3.05, True), "rolling": table(late, rolling, False)}


def population(years: range = range(2001, 2008)) -> "pd.Series[float]":
    return pd.Series(np.linspace(0.1, 0.2, len(years)), index=pd.Index(years, name="year"))


def objective() -> pd.DataFrame:
    theta = np.arange(-500, 251) / 100
    fold_1 = np.where(theta < -4.2, -np.inf, 0.3 + 0.2 * np.exp(-((theta + 3) ** 2)))
    fold_1 = np.where(theta > -1.5, 0.25, fold_1)
    fold_2 = np.where(theta > -1.5, 0.2, 0.28 + 0.2 * np.exp(-((theta + 2.9) ** 2)))
    value = (fold_1 + fold_2) / 2
    return pd.DataFrame({"theta": theta, "objective": value, "fold_1": fold_1, "fold_2": fold_2})


def interpretability_curve(last: int = 24, latents: int = 980) -> pd.DataFrame:
    share = np.arange(31)
    left = np.where(share > last, 0, np.maximum(latents * np.exp(-share / 4), 1)).astype(int)
    mean = np.where(left > 0, 61.8 + 0.6 * share, np.nan)
    return pd.DataFrame(
        {
            "min_share": share.astype(float),
            "mean_interpretability": mean,
            "n_latents": left,
            "share_of_latents": left / latents,
        }
    )


def proportions(clusters: int = 60) -> pd.DataFrame:
    rng = np.random.default_rng(6)
    size = np.where(rng.random(clusters) < 0.6, 2, rng.integers(2, 120, clusters))
    share = np.clip(0.01 + 0.07 * np.log2(size / 2) * rng.uniform(0.5, 1.4, clusters), 0.001, 0.5)
    return pd.DataFrame({"year": 2005, "cluster_id": range(clusters), "n_members": size, "proportion": share})


SIZES = ("2", "3-5", "6-10", "11-25", "26-100", ">100")
IN_SAMPLE = ("base", "rolling", "GCD", "GCDR", "pca")


def robustness(
    methods: tuple[str, ...] = (*METHODS, "walk_forward", "population"),
    similarities: tuple[str, ...] = ("pca", "walk_forward", "supervised"),
) -> pd.DataFrame:
    """Rows of the contract table that the figures draw, and some that they must leave alone."""
    keys = [(kind, m, "", "") for m in methods for kind in ("mean_correlation", "pair_weighted")]
    keys += [(kind, m, "sic_code", "") for kind, m, _, _ in keys if m not in ("sic_code", "population")]
    keys += [("mean_correlation_by_size", m, "", size) for m in methods if m != "population" for size in SIZES]
    lifts = ("neighbours_lift", "neighbours_same_sic2_lift")
    keys += [(kind, m, "", k) for kind in lifts for m in similarities for k in ("10", "1", "5", "3")]
    keys += [("mean_correlation", m, "base", "") for m in methods[1:]]
    table = pd.DataFrame(keys, columns=["statistic", "method", "versus", "level"])
    rng = np.random.default_rng(7)
    table["value"] = rng.uniform(0.1, 0.5, len(table)) - 0.3 * (table["versus"] != "")
    table["low"] = table["value"] - rng.uniform(0.01, 0.1, len(table))
    table["high"] = table["value"] + rng.uniform(0.01, 0.1, len(table))
    size = table["level"].map({level: k for k, level in enumerate(SIZES)}).fillna(0)
    table["n"] = (2000 / 6.0**size).astype(int)
    table["in_sample"] = table["method"].isin(IN_SAMPLE)
    return table.sample(frac=1, random_state=8, ignore_index=True)


def trading(
    methods: tuple[str, ...] = ("base", "sic_code", "GCD"), days: int = 60, rate: float = 0.1, step: int = 1
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Contract tables pairs_daily and pairs_backtest, of each `step`-th day; published equity grows by `rate` each."""
    rng = np.random.default_rng(9)
    dates = pd.bdate_range("2014-01-02", periods=days * step)[::step].date
    daily, results = [], []
    runs = [("as_published", 0.0, rate), ("honest", 0.0, 2e-4), ("honest", 20.0, 0.0), ("honest", 50.0, -2e-4)]
    for method in methods:
        for variant, cost, drift in runs:
            honest = variant == "honest"
            path = np.cumsum(rng.normal(drift, 0.004, days))
            width = 0.008 * np.sqrt(np.arange(1, days + 1)) if honest else np.nan
            daily.append(
                pd.DataFrame(
                    {"variant": variant, "method": method, "cost_bp": cost, "date": dates, "equity": np.exp(path)}
                ).assign(placebo_low=np.exp(-width), placebo_median=1.0, placebo_high=np.exp(width))
            )
            sharpe = rng.uniform(-1, 1) if honest else rng.uniform(8, 12)
            row = {"variant": variant, "method": method, "cost_bp": cost, "sharpe": sharpe}
            half = 0.7 if honest else np.nan
            row |= {"sharpe_low": sharpe - half, "sharpe_high": sharpe + half, "placebo_sharpe": 0.05}
            results.append(row | {"placebo_low": 0.05 - half, "placebo_high": 0.05 + half})
    return pd.concat(daily, ignore_index=True).sample(frac=1, random_state=10), pd.DataFrame(results)


def places(n: int = 120) -> pd.DataFrame:
    """Companies on the maps of two years; every ninth has no name, every seventh no industry."""
    rng = np.random.default_rng(4)
    angle, away = rng.uniform(0, 2 * np.pi, n), np.sqrt(rng.random(n))
    industries = [f"An industry with a long name, number {i}, and more of it" for i in range(9)]
    return pd.DataFrame(
        {
            "year": np.where(np.arange(n) % 3, 2020, 2019),
            "x": away * np.cos(angle),
            "y": away * np.sin(angle),
            "near": 0.4,
            "name": [None if i % 9 == 4 else f"T{i}" for i in range(n)],
            "industry": [None if i % 7 == 2 else industries[i % 9] for i in range(n)],
        }
    )


def reasons(n: int = 6) -> pd.DataFrame:
    return pd.DataFrame({"label": [f"word {i}, " * 9 for i in range(n)], "contribution": np.linspace(0.2, -0.05, n)})


def sae_training(rows: int = 40) -> pd.DataFrame:
    step = 50 * np.arange(1, rows + 1)
    fvu = 0.07 + 0.9 * np.exp(-step / 150)
    return pd.DataFrame(
        {
            "step": step,
            "tokens": 512 * step,
            "passes": step / 196,
            "fvu": fvu,
            "held_out_fvu": fvu + 0.0001 * np.sqrt(step),
            "dead": np.where(step == 200, 0.4, 0.01),
            "l0": 24.0,
            "learning_rate": 0.002,
        }
    )


def explained(names: tuple[str, ...] = ("pca", "walk_forward", "minilm")) -> pd.DataFrame:
    """Four metrics, one of them of few companies, by nearest peers and by clusters."""
    ways = [(name, level) for name in names for level in (1, 10)] + [("base", 0), ("walk_forward", 0), ("sic2", 0)]
    rows = [
        (method, float(level), scope, metric, ahead, 0.1 * number + 0.02 * level - 0.1 * (scope == "industry"))
        for method, level in ways
        for scope in ("all", "industry")
        for number, metric in enumerate(("margin", "growth", "rare", "turnover of assets, net of goodwill"))
        for ahead in (0, 1)
        if (method, scope) != ("sic2", "industry")
    ]
    table = pd.DataFrame(rows, columns=["method", "level", "scope", "metric", "ahead", "value"])
    table["value"] = table["value"] + 0.5 * table["ahead"]
    ends = {"low": table["value"] - 0.05, "high": table["value"] + 0.08}
    n = np.where(table["metric"] == "rare", 10, 1000)
    return table.assign(**ends, n=n, n_companies=100, in_sample=table["method"].isin(["base", "pca"]))


FIGURES: dict[str, Callable[[bool], Figure]] = {
    "histogram": lambda mark: feature_value_histogram(distribution(), mark),
    "by-year": lambda mark: mean_correlation_by_year(mean_correlation(), mark),
    "by-theta": lambda mark: mean_correlation_by_theta(curve(), cutoffs(), population(), mark),
    "objective": lambda mark: objective_by_theta(objective(), -2.95, -3.13, mark),
    "theta-by-year": lambda mark: theta_by_year(cutoffs(), mark),
    "interpretability": lambda mark: interpretability_over_sparsity(interpretability_curve(), "rolling", mark),
    "proportion": lambda mark: proportion_of_strong_features(proportions(), "base", mark),
    "forest": lambda mark: methods_forest(robustness(), {"base": 0.359, "GCD": np.nan, "BERT": 0.2}, mark),
    "by-size": lambda mark: mean_correlation_by_size(robustness(), mark),
    "lift": lambda mark: lift_by_peers(robustness(), mark),
    "fundamentals": lambda mark: fundamentals_by_method(explained(), mark),
    "trading": lambda mark: equity_curves(*trading(), mark),
    "year-map": lambda mark: year_map(places(), mark),
    "training": lambda mark: training_curve(sae_training(), mark),
    "why": lambda mark: why_alike(reasons(), ("Coca-Cola Company", "Pepsi" * 30), 2015, 0.6, 0.15, mark),
}
EMPTY: dict[str, Callable[[bool], Figure]] = {
    "histogram": lambda mark: feature_value_histogram(distribution().iloc[:0], mark),
    "by-year": lambda mark: mean_correlation_by_year(mean_correlation().iloc[:0], mark),
    "by-theta": lambda mark: mean_correlation_by_theta(curve().iloc[:0], {}, population().iloc[:0], mark),
    "objective": lambda mark: objective_by_theta(objective().iloc[:0], np.nan, np.nan, mark),
    "theta-by-year": lambda mark: theta_by_year({}, mark),
    "interpretability": lambda mark: interpretability_over_sparsity(interpretability_curve(-1), "base", mark),
    "proportion": lambda mark: proportion_of_strong_features(proportions().iloc[:0], "base", mark),
    "forest": lambda mark: methods_forest(robustness().iloc[:0], {"base": 0.359}, mark),
    "by-size": lambda mark: mean_correlation_by_size(robustness().iloc[:0], mark),
    "lift": lambda mark: lift_by_peers(robustness().iloc[:0], mark),
    "fundamentals": lambda mark: fundamentals_by_method(explained().iloc[:0], mark),
    "trading": lambda mark: equity_curves(*(table.iloc[:0] for table in trading()), mark),
    "year-map": lambda mark: year_map(places().iloc[:0], mark),
    "training": lambda mark: training_curve(sae_training().iloc[:0], mark),
    "why": lambda mark: why_alike(reasons(0), ("", ""), 0, np.nan, np.nan, mark),
}


def statistic(table: pd.DataFrame, name: str, versus: str = "", level: str | None = None) -> pd.DataFrame:
    """The rows of one statistic."""
    rows = table[(table["statistic"] == name) & (table["versus"] == versus)]
    return rows if level is None else rows[rows["level"] == level]


@cache
def shown(kind: str, synthetic: bool = False, empty: bool = False) -> Figure:
    """A figure of this kind, to look at and not to change."""
    return (EMPTY if empty else FIGURES)[kind](synthetic)


def drawn(figure: Figure, gid: str) -> list[Any]:
    """The artists with this gid, on the page and on its axes."""
    owners = (figure, *figure.axes)
    return [child for owner in owners for child in owner.get_children() if child.get_gid() == gid]


def gids(axes: Axes) -> set[str]:
    """Those of all lines."""
    return {line.get_gid() for line in axes.lines}


def line_of(axes: Axes, gid: str) -> Any:
    """The one line with this gid."""
    (line,) = [line for line in axes.lines if line.get_gid() == gid]
    return line


def texts(figure: Figure) -> list[str]:
    """What is written on the page and inside its axes; titles, labels and legends of axes not."""
    written = [text for owner in (figure, *figure.axes) for text in owner.texts]
    return [text.get_text() for text in written if text.get_text()]


def tick_labels(axes: Axes) -> list[str]:
    """What is written along the x axis."""
    axes.figure.draw_without_rendering()
    return [label.get_text() for label in axes.get_xticklabels()]
