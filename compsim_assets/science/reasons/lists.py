"""From lists of peers to the pairs that are looked at, and from a year's reasons back to rows."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from compsim_assets.science.companies import own_pairs
from compsim_assets.science.linkage.trees import rows_by_year
from compsim_assets.science.reasons.confidence import N_DRAWS, draw_groups, stays_near
from compsim_assets.science.reasons.contributions import ComparedYear, Reasons

LATENT, THEME, OTHERS = "latent", "theme", -1


@dataclass(frozen=True)
class YearLists:
    """The lists of one year's reports.

    year. compared: the reports and the pairs in the lists, each once.
    rows: (r,) positions of the year's rows in the table of peers. pair: (r,) pair of each; peer: (r,) position of the
        peer among the year's reports.
    """

    year: int
    compared: ComparedYear
    rows: np.ndarray
    pair: np.ndarray
    peer: np.ndarray


def lists_by_year(
    peers: pd.DataFrame,
    rows: np.ndarray,
    report_id: np.ndarray,
    year: np.ndarray,
    company: np.ndarray | None,
    n_explained: int,
) -> Iterator[YearLists]:
    """The lists, year by year.

    Args:
        peers: report_id, rank, peer_report_id of every scope.
        rows: (k,) ascending positions of the reports that are compared: those that are not at the origin.
        report_id, year: (n,) of all reports. company: (n,) numbers of their companies; None: all are different.
        n_explained: pairs of a report and its so many nearest of any scope are explained.

    Raises:
        ValueError: a report of the lists that is not compared.
    """
    years, members = rows_by_year(year[rows])
    position, of_year = np.full(len(report_id), -1), np.full(len(report_id), -1)
    for number, where in enumerate(members):
        position[rows[where]], of_year[rows[where]] = np.arange(len(where)), number
    ids = pd.Index(report_id)
    a, b = (ids.get_indexer(pd.Index(peers[name])) for name in ("report_id", "peer_report_id"))
    if (a < 0).any() or (b < 0).any() or (position[a] < 0).any() or (of_year[a] != of_year[b]).any():
        raise ValueError("the lists name reports that are not compared, or of two years")
    explained = peers["rank"].to_numpy() <= n_explained
    for number, (label, where) in enumerate(zip(years.tolist(), members, strict=True)):
        listed = np.flatnonzero(of_year[a] == number)
        first, second = position[a[listed]], position[b[listed]]
        code = np.minimum(first, second) * len(where) + np.maximum(first, second)
        codes, pair = np.unique(code, return_inverse=True)
        compared = ComparedYear(
            rows=rows[where],
            a=codes // len(where),
            b=codes % len(where),
            explained=np.unique(pair[explained[listed]]),
            same_company=own_pairs(None if company is None else company[rows[where]]),
        )
        yield YearLists(label, compared, listed, pair, second)


def difference(lists: YearLists, reasons: Reasons, peers: pd.DataFrame) -> float:
    """Largest difference of a listed cosine and the sum of all its contributions."""
    place = np.searchsorted(lists.compared.explained, lists.pair)
    place = np.minimum(place, max(len(lists.compared.explained) - 1, 0))
    is_explained = np.isin(lists.pair, lists.compared.explained)
    cosine = peers["cosine"].to_numpy()[lists.rows][is_explained]
    return float(np.abs(reasons.total[place[is_explained]] - cosine).max(initial=0.0))


def confidences(
    lists: YearLists, reasons: Reasons, peers: pd.DataFrame, n_draws: int = N_DRAWS, device: str = "cpu"
) -> np.ndarray:
    """(r,) share of draws in which each peer of the year's rows stays among the ten nearest of its list.

    Args:
        peers: the table of peers: scope, report_id, rank.
    """
    of_year = peers.iloc[lists.rows]
    listed = of_year.groupby(["scope", "report_id"], sort=False).ngroup().to_numpy()
    place = of_year["rank"].to_numpy() - 1
    shape = int(listed.max(initial=-1)) + 1, int(place.max(initial=-1)) + 1
    pair, peer = np.full((2, *shape), -1)
    pair[listed, place], peer[listed, place] = lists.pair, lists.peer
    drawn = draw_groups(reasons.groups.shape[1], n_draws, (lists.year,))
    shares = stays_near(reasons.groups, reasons.report_groups, pair, peer, drawn, device=device)
    return shares[listed, place]


def explanations(
    lists: YearLists, reasons: Reasons, peers: pd.DataFrame, n_explained: int, most_for: int, most_against: int
) -> dict[str, np.ndarray]:
    """Columns report_id, peer_report_id, kind, number, contribution, unusual of one year.

    Of each kind the strongest for and against, and what is left of the cosine as number -1. Each pair of a list once,
    ordered by report and peer.

    Args:
        peers: report_id, peer_report_id, rank, cosine. most_for, most_against: themes listed of a pair.
    """
    of_year = peers.iloc[lists.rows]
    wanted = np.flatnonzero(of_year["rank"].to_numpy() <= n_explained)
    report, peer = (of_year[name].to_numpy()[wanted] for name in ("report_id", "peer_report_id"))
    ids, first = np.unique(np.stack([report, peer]), axis=1, return_index=True)
    cosine = of_year["cosine"].to_numpy()[wanted[first]]
    pair = np.searchsorted(lists.compared.explained, lists.pair[wanted[first]])
    speaking = [reasons.latents_for, reasons.latents_against]
    latents = [np.concatenate([part[k] for part in speaking], axis=1)[pair] for k in range(3)]
    themes = [part[pair] for part in _themes(reasons, most_for, most_against)]
    parts = []
    for number, value, mean in (latents, themes):
        left = np.stack([np.full(len(pair), OTHERS), cosine - value.sum(axis=1), reasons.mean - mean.sum(axis=1)])
        parts.append([np.column_stack([part, rest]) for part, rest in zip((number, value, mean), left, strict=True)])
    number, value, mean = (np.concatenate(both, axis=1) for both in zip(*parts, strict=True))
    kinds = np.repeat([LATENT, THEME], [parts[0][0].shape[1], parts[1][0].shape[1]])
    is_last = np.zeros(number.shape[1], dtype=bool)
    is_last[[parts[0][0].shape[1] - 1, -1]] = True
    row, column = np.nonzero((number != OTHERS) | is_last)
    return {
        "report_id": ids[0][row],
        "peer_report_id": ids[1][row],
        "kind": kinds[column],
        "number": number[row, column].astype(np.int64),
        "contribution": value[row, column],
        "unusual": (value - mean)[row, column],
    }


def _themes(reasons: Reasons, most_for: int, most_against: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Themes, contributions and their means (e, most_for + most_against), the strongest first; -1 and 0: no more."""
    order = np.argsort(-reasons.themes, axis=1, kind="stable")
    most = order.shape[1]
    number = np.concatenate([order[:, :most_for], order[:, most - min(most_against, most) :][:, ::-1]], axis=1)
    value = np.take_along_axis(reasons.themes, number, axis=1)
    is_for = np.arange(number.shape[1]) < min(most_for, most)
    speaks = np.where(is_for, value > 0, value < 0)
    mean = np.where(speaks, reasons.theme_mean[number], 0.0)
    return np.where(speaks, number, OTHERS), np.where(speaks, value, 0.0), mean
