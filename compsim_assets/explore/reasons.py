"""Reasons: themes and latents with their labels, and what they contribute to a cosine."""

from typing import TYPE_CHECKING

from compsim_assets.explore.decompose import halves, standardised_features
from compsim_assets.explore.tables import Tables

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


def theme_labels(tables: Tables) -> "pd.Series":
    """Label of each theme, by its number; "theme 7" where none sets it apart."""
    return named_themes(tables.read("themes", ["theme", "label"]))


def named_themes(themes: "pd.DataFrame") -> "pd.Series":
    """The same of the table's theme and label."""
    label = themes.set_index("theme")["label"]
    return label.where(label != "", "theme " + label.index.astype(str))


def latent_labels(tables: Tables, latents: "np.ndarray | list[int]") -> "pd.Series":
    """Label of some latents, by number: a judge's where there is one, else that of its reports' terms; "latent 7" where
    nothing sets it apart.
    """
    import pandas as pd

    numbers = [int(latent) for latent in latents]
    labels = pd.Series("", index=numbers, dtype=object)
    if numbers:
        rows = tables.read("latents", ["latent", "label", "judge_label"], [("latent", "in", numbers)])
        judged = rows["judge_label"].astype(object).where(rows["judge_label"].notna() & (rows["judge_label"] != ""))
        labels.update(judged.fillna(rows["label"].astype(object)).set_axis(rows["latent"]))
    return labels.where(labels != "", "latent " + labels.index.astype(str))


def themes_of(tables: Tables, n_latents: int) -> "np.ndarray":
    """(D,) theme of each latent, -1 where it has none."""
    return theme_by_latent(tables.read("latent_themes", ["theme", "latent"]), n_latents)


def theme_by_latent(latent_themes: "pd.DataFrame", n_latents: int) -> "np.ndarray":
    """The same from the table's theme and latent."""
    import numpy as np

    theme = np.full(n_latents, -1, dtype=np.int64)
    theme[latent_themes["latent"].to_numpy()] = latent_themes["theme"].to_numpy()
    return theme


def by_theme(contributions: "np.ndarray", theme: "np.ndarray") -> "pd.Series":
    """Sums over the latents of each theme, the largest first; what no theme has is left out."""
    import numpy as np
    import pandas as pd

    inside = theme >= 0
    sums = np.bincount(theme[inside], weights=contributions[inside])
    there = np.bincount(theme[inside]) > 0
    return pd.Series(sums[there], index=np.flatnonzero(there)).sort_values(ascending=False, kind="stable")


def presence(first: "np.ndarray", second: "np.ndarray") -> "np.ndarray":
    """both, neither or one, for each value of two reports: which have more of it than reports have on average.

    What neither has makes two reports alike, too; who is told a reason must be told which it is.
    """
    import numpy as np

    return np.array(["neither", "one", "both"])[(first > 0).astype(int) + (second > 0)]


def theme_activity(standardised: "np.ndarray", theme: "np.ndarray", themes: "np.ndarray") -> "np.ndarray":
    """(k, t) standardised activation of k reports, summed over the latents of each of these themes."""
    import numpy as np

    inside = theme >= 0
    sums = [np.bincount(theme[inside], weights=row[inside]) for row in standardised]
    return np.stack(sums)[:, themes]


def largest(contributions: "np.ndarray", n: int) -> "np.ndarray":
    """Positions of the n largest in size, for or against; the largest first, of equal ones the first."""
    import numpy as np

    return np.argsort(-np.abs(contributions), kind="stable")[:n]


def reasons_of(tables: Tables, year: int, report_id: int, peers: list[int], n: int) -> "pd.DataFrame":
    """peer_report_id, theme, label, contribution, present: the n largest themes of each peer, in the order of `peers`.

    Those of `peer_explanations` where it has the pair; others are computed. No rows where companies are compared by
    published pairs.
    """
    import pandas as pd

    columns = ["peer_report_id", "theme", "label", "contribution", "present"]
    if tables.pairs_alone or not peers:
        return pd.DataFrame(columns=columns)
    labels, stored = theme_labels(tables), _stored(tables, report_id, peers)
    missing = [peer for peer in peers if peer not in set(stored["peer_report_id"])]
    rows = pd.concat([stored, *_computed(tables, year, report_id, missing)], ignore_index=True)
    order = {peer: at for at, peer in enumerate(peers)}
    rows = rows.assign(at=rows["peer_report_id"].map(order)).sort_values(
        ["at", "contribution", "theme"], ascending=[True, False, True], ignore_index=True
    )
    rows = rows.groupby("at", sort=False).head(n).reset_index(drop=True)
    present = _present(tables, [report_id, *peers], rows["at"].to_numpy(), rows["theme"].to_numpy())
    return rows.assign(label=labels.reindex(rows["theme"]).to_numpy(), present=present)[columns]


def _present(tables: Tables, reports: list[int], at: "np.ndarray", themes: "np.ndarray") -> "np.ndarray":
    """(m,) whether the first report and the one `at` further on have more than usual of a theme."""
    import numpy as np

    values = standardised_features(tables, np.array(reports))
    activity = theme_activity(values, themes_of(tables, values.shape[1]), themes)
    rows = np.arange(len(themes))
    return presence(activity[0], activity[1 + at, rows])


def _stored(tables: Tables, report_id: int, peers: list[int]) -> "pd.DataFrame":
    wanted = [("report_id", "==", report_id), ("kind", "==", "theme"), ("number", ">=", 0)]
    rows = tables.read("peer_explanations", ["peer_report_id", "number", "contribution"], wanted)
    return rows[rows["peer_report_id"].isin(peers)].rename(columns={"number": "theme"})


def _computed(tables: Tables, year: int, report_id: int, peers: list[int]) -> "list[pd.DataFrame]":
    import numpy as np
    import pandas as pd

    if not peers:
        return []
    every = halves(tables, year, np.array([report_id, *peers]))
    theme, tables_of = themes_of(tables, len(every.latents)), []
    for at, peer in enumerate(peers, start=1):
        sums = by_theme(every.contributions(0, at), theme)
        tables_of.append(pd.DataFrame({"peer_report_id": peer, "theme": sums.index, "contribution": sums.to_numpy()}))
    return tables_of
