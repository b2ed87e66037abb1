"""One pair of companies to show reasons of, chosen by a rule and not by its looks."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from compsim_assets.explore.reasons import named_themes

if TYPE_CHECKING:
    import pandas as pd


class TypicalPair(NamedTuple):
    """Two companies of one year, and what their cosine is made of."""

    names: tuple[str, str]
    year: int
    cosine: float
    reasons: pd.DataFrame
    """label and contribution of each theme, the largest contribution first."""
    rest: float
    """What all other themes contribute."""


def typical_pair(
    peers: pd.DataFrame, explanations: pd.DataFrame, themes: pd.DataFrame, descriptions: pd.DataFrame
) -> TypicalPair:
    """The pair in the middle of the newest year's nearest peers by cosine: within the industry where there are such.

    Args:
        peers, explanations, themes, descriptions: by their contracts; without explanations the pair has no reasons.
    """
    import pandas as pd

    nothing = pd.DataFrame({"label": pd.Series(dtype=str), "contribution": pd.Series(dtype=float)})
    nearest = peers[peers["rank"] == 1]
    if nearest.empty:
        return TypicalPair(("", ""), 0, float("nan"), nothing, float("nan"))
    nearest = nearest[nearest["year"] == nearest["year"].max()]
    within = nearest[nearest["scope"] == "industry"]
    ordered = (within if len(within) else nearest).sort_values(["cosine", "report_id"])
    row = ordered.iloc[len(ordered) // 2]
    both = (int(row["report_id"]), int(row["peer_report_id"]))
    who = descriptions.set_index("report_id").reindex(both)
    names = who["company_name"].fillna(who["ticker"]).fillna("a company without a name").astype(str).tolist()
    of_pair = explanations[(explanations["report_id"] == both[0]) & (explanations["peer_report_id"] == both[1])]
    of_pair = of_pair[of_pair["kind"] == "theme"]
    named = of_pair[of_pair["number"] >= 0].sort_values("contribution", ascending=False)
    labels = named_themes(themes).reindex(named["number"])
    reasons = pd.DataFrame({"label": labels.to_numpy(), "contribution": named["contribution"].to_numpy()})
    rest = float(of_pair.loc[of_pair["number"] < 0, "contribution"].sum())
    return TypicalPair((names[0], names[1]), int(row["year"]), float(row["cosine"]), reasons, rest)
