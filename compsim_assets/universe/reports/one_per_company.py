"""One report per company and year, and ids for reports that have none."""

from collections.abc import Callable
from hashlib import blake2b
from typing import TYPE_CHECKING

from compsim_assets.universe.intake.decisions import Notes
from compsim_assets.universe.layout import ID, UniverseError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

_REMEDY = 'universe.toml: [reports] several = "latest", "first", "longest", "refuse" or "all"'


# Hour, minute and second of 2019-03-01 12:00:00 and 20190301120000.
_CLOCK = r"(?:[T ](?=\d\d:)|^\d{8}(?=\d{6}))(\d{2}):?(\d{2}):?(\d{2})?"


def one_per_company(
    reports: "pd.DataFrame", rule: str, place: Callable[[int], str], notes: Notes, date_format: str = ""
) -> "pd.DataFrame":
    """The reports of which one is taken for every company and year, in their order, with ids.

    Several come of amendments, transition reports and share classes. A report with a text goes before one without.
    `latest` and `first` go by the filing date where the files have one, then by the order of rows; `longest` by the
    text.

    Args:
        reports: from `read_reports`. rule, date_format: as of universe.toml. place: file and row of a position in all
            files' rows.

    Raises:
        UniverseError: rule `refuse`, and a company has two; no ids, and two reports that nothing tells apart.
    """
    import numpy as np

    from compsim_assets.science.companies import company_of

    given = ID in reports
    numbered = reports.assign(report_id=reports[ID] if given else np.arange(len(reports)))
    company = company_of(numbered).to_numpy(dtype=object)
    candidates = _candidates(reports, company)
    several = candidates.duplicated(["company", "year"], keep=False)
    taken = np.ones(len(reports), dtype=bool)
    if several.any():
        candidates["filed"] = _filed(reports, several.to_numpy(), date_format, place)
        taken = _taken(candidates, several, rule, place, notes)
    if not given:
        what = "company, year and text" if rule == "all" else "company and year"
        notes.assumed(ID, f"report ids are made from {what}", len(reports))
    reports, company = reports[taken].reset_index(drop=True), company[taken]
    if given:
        return reports
    ids = _made_ids(reports, company, rule == "all", np.flatnonzero(taken), place)
    return reports.assign(**{ID: ids})


def _candidates(reports: "pd.DataFrame", company: "np.ndarray") -> "pd.DataFrame":
    """What one of several reports is taken by: company, year, whether and how long a text."""
    import numpy as np
    import pandas as pd

    length = reports["section_1"].astype("string").str.len().fillna(0).to_numpy(dtype=np.int64)
    columns = {"company": company, "year": reports["year"].to_numpy(), "text": length > 0, "length": length}
    return pd.DataFrame(columns)


def _filed(
    reports: "pd.DataFrame", several: "np.ndarray", date_format: str, place: Callable[[int], str]
) -> "np.ndarray":
    """(n,) when reports were filed, to the second; NaT where that is not said, or where it decides nothing."""
    import numpy as np

    from compsim_assets.universe.intake.dates import days

    filed = np.full(len(reports), "NaT", "M8[s]")
    if "filed" in reports:
        rows = np.flatnonzero(several)
        values = reports["filed"].iloc[rows]
        day = days(values, "filing date", lambda row: place(int(rows[row])), date_format)[0]
        clock = values.astype("string").str.extract(_CLOCK).fillna("0").astype(int)
        filed[rows] = day.astype("M8[s]") + (clock.to_numpy() @ np.array([3600, 60, 1])).astype("m8[s]")
    return filed


def _taken(
    candidates: "pd.DataFrame", several: "pd.Series", rule: str, place: Callable[[int], str], notes: Notes
) -> "np.ndarray":
    """(n,) bool: the reports that are taken."""
    import numpy as np

    key = ["company", "year"]
    first = int(several.to_numpy().argmax())
    company, year = candidates.loc[first, key]
    same = candidates.index[(candidates["company"] == company) & (candidates["year"] == year)]
    example = f"{company} in {year}: {place(int(same[0]))} and {place(int(same[1]))}"
    if rule == "refuse":
        raise UniverseError(f"{example}: two reports of one company in one year, expected one. {_REMEDY}")
    if rule == "all":
        what = "companies with several reports in a year keep all of them; pairs of a company with itself count nowhere"
        notes.suspicious("several reports", what, int(several.sum()), example, _REMEDY)
        return np.ones(len(candidates), dtype=bool)
    by_rule = {"latest": (["filed"], False), "first": (["filed"], True), "longest": (["length"], False)}
    columns, ascending = by_rule[rule]
    ordered = candidates[::-1] if rule == "latest" else candidates
    ordered = ordered.sort_values(columns, ascending=ascending, kind="stable", na_position="last")
    ordered = ordered.sort_values("text", ascending=False, kind="stable")
    taken = ~ordered.duplicated(key, keep="first").sort_index().to_numpy()
    what = f"of several reports of a company in one year the {rule} is taken, one with a text before one without"
    notes.left_out("several reports", what, int((~taken).sum()), example, _REMEDY)
    return taken


def _made_ids(
    reports: "pd.DataFrame", company: "np.ndarray", with_text: bool, rows: "np.ndarray", place: Callable[[int], str]
) -> "np.ndarray":
    """(n,) int64 below 2^53, so that programs that read numbers as floats read them right.

    Args:
        rows: (n,) positions of the reports in all files' rows.

    Raises:
        UniverseError: a report that names no company, or one that nothing tells from another.
    """
    import numpy as np
    import pandas as pd

    texts = reports["section_1"].astype("string").fillna("") if with_text else [""] * len(reports)
    keys = (f"{c}\n{y}\n{t}".encode() for c, y, t in zip(company, reports["year"], texts, strict=True))
    numbers = [int.from_bytes(blake2b(key, digest_size=8).digest(), "big") >> 11 for key in keys]
    ids = np.array(numbers, dtype=np.int64)
    nameless = np.array([name.startswith("report_id ") for name in company], dtype=bool)
    wrong = nameless | pd.Series(ids).duplicated().to_numpy()
    if wrong.any():
        at = int(wrong.argmax())
        what = "a report without cik, ticker and name" if nameless[at] else "a second report with the same text"
        raise UniverseError(
            f"{place(int(rows[at]))}: {what}, and no column {ID}: expected report ids, or one such value at least"
        )
    return ids
