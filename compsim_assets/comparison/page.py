"""What changed, as a page: Markdown for the UI and for reading, HTML that needs nothing else.

Names of companies, and whatever else a universe's files hold, are text here: nothing of them is markup.
"""

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from typing import NamedTuple

import pandas as pd

from compsim_assets.comparison.report import FAILED
from compsim_assets.evidence.page import html_document
from compsim_assets.universe.intake.levels import FILE, FINE, STOP

TITLE = "What changed in this rebuild"
RULE = (
    f"The size of a change is held against the levels of the measure: from the first on it is suspicious, from the "
    f"second on it is a stop, and nothing is published. A {FILE} in the universe's folder changes the levels. "
    "`compsim publish` publishes all the same, after a look."
)
_MARKUP = re.compile(r"([\\`*_\[\]!#~|])")
_ROWS = ("rows", "gone", "added", "changed")
_NUMBERS = frozenset({"before", "after", "change", "size", "level", *_ROWS})
_MOVED = {
    "co_members_of": "Companies whose cluster changed most (size 1: with none of those before)",
    "peers_of": "Companies whose peers changed most (size 1: all are others)",
}
_HEADS = ("table", "measure", "subject", "before", "after", "change", "level", "grade", "what")
_VALUES = ("table", "measure", "subject", "before", "after", "change", "what")
_WHO_MOVED = ("table", "subject", "size", "before", "after", "what")


class Section(NamedTuple):
    """A titled table of texts; left_out: how many rows are not shown."""

    title: str
    headers: Sequence[str]
    rows: list[list[str]]
    left_out: int = 0


def markdown_page(report: pd.DataFrame, versions: Mapping[str, str], universe: str, most: int = 60) -> str:
    """The page as Markdown.

    Args:
        report: `rebuild_report`.
        versions: what the results are compared with, in words, by the word of the column `against`.
        universe: what they were computed on.
        most: rows of a section.
    """
    lines = [f"# {TITLE}", f"Computed on {_text(universe)}."]
    for against, what, of_version in _parts(report, versions):
        lines += [f"## Against the {against} version", *map(_text, filter(None, (what, summary(of_version))))]
        for section in sections(of_version, most):
            lines += [f"### {section.title}", _markdown_table(section)]
            lines += [f"{section.left_out:,} more in rebuild\\_report."] if section.left_out else []
    return "\n\n".join([*lines, RULE]) + "\n"


def html_page(report: pd.DataFrame, versions: Mapping[str, str], universe: str, most: int = 1000) -> str:
    """The same as HTML."""
    body = [f"<p>Computed on {escape(universe)}.</p>"]
    for against, what, of_version in _parts(report, versions):
        body.append(f"<h2>Against the {escape(against)} version</h2>")
        body += [f"<p>{escape(line)}</p>" for line in (what, summary(of_version)) if line]
        for section in sections(of_version, most):
            body.append(f"<h3>{escape(section.title)}</h3>{_html_table(section)}")
            body += [f"<p>{section.left_out:,} more in rebuild_report.parquet.</p>"] if section.left_out else []
    return html_document(TITLE, "".join([*body, f"<p>{escape(RULE)}</p>"]))


def _parts(report: pd.DataFrame, versions: Mapping[str, str]) -> Iterable[tuple[str, str, pd.DataFrame]]:
    for against in sorted(report["against"].unique()):  # the last version, then the pinned one
        yield against, versions.get(against, ""), report[report["against"] == against]


def summary(of_version: pd.DataFrame) -> str:
    """One line: how many results are as they were, and how many rows have which grade."""
    rows = of_version[of_version["measure"] == "rows"]
    same = int((rows["what"] == "unchanged").sum())
    results = of_version.loc[of_version["table"] != "", "table"].nunique()
    if not results:
        return str(of_version["what"].iloc[0])
    counts = of_version["grade"].value_counts()
    graded = ", ".join(f"{count:,} {grade}" for grade, count in counts.items() if grade != FINE)
    return f"{results:,} results, {same:,} of them unchanged. Of their numbers: {graded or 'all fine'}."


def sections(of_version: pd.DataFrame, most: int) -> list[Section]:
    """What is not fine, headline numbers, who moved most, and every table's rows."""
    measure, table = of_version["measure"], of_version["table"]
    notable = of_version[of_version["grade"] != FINE]
    numbers = of_version[
        ((table == "table_1") & of_version["subject"].str.startswith("honest"))
        | ((measure == "verdict") & (of_version["size"] > 0))
        | ~(measure.isin([*_ROWS, *_MOVED, FAILED, "verdict", "version", "new"]) | (table == "table_1"))
    ]
    every = [
        _section("Look at this", _HEADS, notable, most),
        _section("Headline numbers", _VALUES, numbers, most),
        *(_section(title, _WHO_MOVED, of_version[measure == name], most) for name, title in _MOVED.items()),
        _rows_section(of_version, most),
    ]
    return [section for section in every if section.rows]


def _section(title: str, columns: Sequence[str], rows: pd.DataFrame, most: int) -> Section:
    texts = [[_cell(row[name]) for name in columns] for row in rows.head(most).to_dict("records")]
    return Section(title, columns, texts, max(0, len(rows) - most))


def _rows_section(of_version: pd.DataFrame, most: int) -> Section:
    """One line per result: rows before and after, gone, added and changed."""
    rows = of_version[of_version["measure"].isin(_ROWS)].assign(
        name=lambda frame: frame["table"] + frame["subject"].where(frame["subject"] == "", " " + frame["subject"])
    )
    counts = rows.pivot_table(index="name", columns="measure", values="change", aggfunc="first", sort=False)
    of_rows = rows[rows["measure"] == "rows"].set_index("name")
    columns = rows[rows["measure"] == "changed"].set_index("name")["what"]
    what = of_rows["what"].where(of_rows["what"] != "", columns.reindex(of_rows.index).fillna(""))
    table = of_rows[["before", "after"]].assign(what=what).join(counts.reindex(columns=_ROWS[1:]))
    table = table.sort_index().reset_index()
    headers = ("name", "before", "after", *_ROWS[1:], "what")
    section = _section("Rows of every result", headers, table, most)
    return section._replace(headers=("result", *headers[1:]))


def crossed(report: pd.DataFrame, grade: str = STOP, most: int = 5) -> list[str]:
    """What has this grade, a line each: `descriptions: rows 500, was 1,000 (change -500; stop from 0.3 on)`."""
    rows = report[report["grade"] == grade]
    lines = []
    for row in rows.head(most).to_dict("records"):
        named = " ".join(filter(None, (row["measure"], row["subject"])))
        now, old = _cell(row["after"]), _cell(row["before"])
        values = f" {now or 'none'}, was {old or 'none'}" if now or old else f" {_cell(row['change'])}"
        level = f"; size {_cell(row['size'])}, {grade} from {_cell(row['level'])} on" if _cell(row["level"]) else ""
        against = "" if row["against"] == "last" else f", against the {row['against']} version"
        what = f": {row['what']}" if row["what"] else ""
        lines.append(f"{row['table']}: {named}{values}{level}{against}{what}")
    return [*lines, *([f"and {len(rows) - most} more"] if len(rows) > most else [])]


def _cell(value: object) -> str:
    if value is None or value != value:
        return ""
    if isinstance(value, str):
        return value
    number = float(value)  # type: ignore[arg-type]
    if math.isinf(number):
        return str(number)
    if abs(number - round(number)) < 1e-12:  # what is left of two equal sums is nothing
        return f"{round(number):,}"
    return f"{number:.4g}"


def _text(text: str) -> str:
    """A text as Markdown that shows it as it is, in one line."""
    return _MARKUP.sub(r"\\\1", escape(" ".join(text.split()), quote=False))


def _markdown_table(section: Section) -> str:
    lines = [section.headers, ["---"] * len(section.headers), *section.rows]
    rendered: list[Callable[[str], str]] = [str, str, *[_text] * len(section.rows)]
    return "\n".join(f"| {' | '.join(map(how, line))} |" for how, line in zip(rendered, lines, strict=True))


def _html_table(section: Section) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in section.headers)
    lines = ("".join(map(_html_cell, section.headers, row)) for row in section.rows)
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _html_cell(header: str, cell: str) -> str:
    kind = ' class="number"' if header in _NUMBERS else f' class="{escape(cell)}"' if header == "grade" else ""
    return f"<td{kind}>{escape(cell)}</td>"
