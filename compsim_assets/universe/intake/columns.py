"""The usual names of columns, and which column of a file is which."""

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from compsim_assets.universe.intake.decisions import Notes
from compsim_assets.universe.intake.rules import nearest
from compsim_assets.universe.layout import ID, RETURNS, UniverseError

# By table: the contract's columns, and the names that the field's files have for them, in the order of preference.
# Upper and lower case, blanks, underscores and other signs make no difference.
ALIASES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "reports": {
        ID: ("report_id",),
        "cik": ("cik_number", "cik_code", "central_index_key"),
        "company_name": ("company", "name", "conm", "comnam", "conformed_name", "entity_name"),
        "year": ("fyear", "fiscal_year", "report_year"),
        "ticker": ("tic", "symbol", "ticker_symbol"),
        "sic_code": ("sic", "siccd", "sich", "sic_codes", "sic2", "sic3", "standard_industrial_classification"),
        "gics_sector": ("gsector", "sector"),
        "section_1": ("description", "text", "item_1", "item1", "business", "business_description"),
        RETURNS: ("returns", "monthly_returns", "log_returns"),
        "input_ids": (),
        "filed": ("filing_date", "filed_date", "date_filed", "fdate", "filed_at", "acceptance_datetime"),
        "gvkey": (),
        "permno": (),
    },
    "features": {ID: ("report_id",), "features": ("sae_features", "activations")},
    "pairs": {
        "Company1": ("report_a", "company_1", "report_1"),
        "Company2": ("report_b", "company_2", "report_2"),
        "year": (),
        "cosine_similarity": ("cosine", "similarity"),
        "correlation": ("return_correlation",),
    },
    "prices": {
        "ticker": ("tic", "symbol", "ticker_symbol", "sym", "stock", "permno"),
        "date": ("datadate", "caldt", "dlycaldt", "mthcaldt", "trading_day", "timestamp", "datetime", "day"),
        # An adjusted one before a plain one; what is not said to be adjusted is named as such.
        "adj_close": (
            "adjusted_close", "close_adj", "close_adjusted", "adj_close_price", "adjusted_price", "adj_price", "close",
            "price", "prc", "dlyprc", "mthprc", "prccd", "prccm",
        ),
        # What the price is divided by: CRSP's and Compustat's adjustment for splits.
        "cfacpr": ("ajexdi", "ajexm"),
    },
    "fundamentals": {
        "cik": ("cik_number", "cik_code", "central_index_key"),
        "ticker": ("tic", "symbol", "ticker_symbol"),
        "year": ("fyear", "fiscal_year", "fy"),
        "metric": ("item", "tag", "concept", "variable"),
        "value": ("val", "amount"),
    },
    "clusters": {
        "year": ("fyear", "fiscal_year"),
        "cluster_id": ("cluster", "label", "labels", "group", "cluster_label"),
        ID: ("report_id",),
    },
}  # fmt: skip


def plain(name: str) -> str:
    """A column's name without case and signs."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


@dataclass(frozen=True)
class Names:
    """How a table's columns may be named.

    table: key of `ALIASES`. given: the contract's name -> the files' own, which goes before everything else.
    strict: whether a given column must be there.
    """

    table: str = ""
    given: Mapping[str, str] = field(default_factory=dict)
    strict: bool = False

    def of(self, columns: Sequence[str], file: str) -> dict[str, str]:
        """The contract's name -> the file's own, of those columns that the file has.

        A name as in the contract goes first, then the same name spelled otherwise, then the aliases in order.

        Raises:
            UniverseError: a column that universe.toml names and the file does not have, or that is none of ours.
        """
        if self.strict:
            self._check_given(file)
        names = {}
        for ours in {**dict.fromkeys(ALIASES.get(self.table, {})), **self.given}:
            theirs = self._one(ours, columns, file)
            if theirs is not None:
                names[ours] = theirs
        return names

    def _one(self, ours: str, columns: Sequence[str], file: str) -> str | None:
        if ours in self.given:
            theirs = self.given[ours]
            if theirs not in columns and self.strict:
                raise UniverseError(
                    f"{file}: no column {theirs}, which universe.toml calls {ours}{nearest(theirs, columns)}"
                )
            return theirs
        taken = set(self.given.values())
        if ours in columns and ours not in taken:
            return ours
        spelled: dict[str, str] = {}
        for name in columns:
            spelled.setdefault(plain(name), name)
        candidates = (spelled.get(plain(name)) for name in (ours, *ALIASES.get(self.table, {}).get(ours, ())))
        return next((name for name in candidates if name is not None and name not in taken), None)

    def _check_given(self, file: str) -> None:
        ours = ALIASES.get(self.table, {})
        for name, theirs in self.given.items():
            if ours and name not in ours:  # of factors it is not said which there are
                raise UniverseError(
                    f"{file}: universe.toml names {theirs} as {name}, which is no column of [{self.table}]"
                    f'{nearest(name, ours)}. Write {{ours = "theirs"}}'
                )
            if sum(other == theirs for other in self.given.values()) > 1:
                raise UniverseError(f"{file}: universe.toml names {theirs} twice, expected one of our columns for it")


def say_columns(notes: Notes, table: str, columns: Iterable[str], names: Mapping[str, str]) -> None:
    """Name the columns that go by another name, and those that are not read, with the nearest name that is.

    Args:
        columns: of the file. names: the contract's name -> the file's own, of those that are read.
    """
    for ours, theirs in names.items():
        if theirs != ours:
            notes.assumed(
                ours, f"column `{theirs}` is read as {ours}", remedy=f'[{table}] columns = {{{ours} = "..."}}'
            )
    read = set(names.values())
    missing = [name for name in ALIASES.get(table, {}) if name not in names]
    for column in columns:
        if column not in read:
            near = difflib.get_close_matches(plain(column), {plain(name): name for name in missing}, 1, 0.6)
            hint = next((f": did you mean `{name}`?" for name in missing if near and plain(name) == near[0]), "")
            notes.left_out(column, f"column `{column}` is not read{hint}", 1)
