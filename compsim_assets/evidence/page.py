"""The findings as a page: Markdown for the UI and for reading, HTML with the tables that they rest on."""

from collections.abc import Hashable, Iterator, Mapping
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

TITLE = "Findings: does it find companies that move together?"
RULE = (
    "Corrected: walk-forward clusters, common years, intervals over companies or years, trading estimated beforehand "
    "and after costs. A claim stands where the 95 % interval lies wholly on the claimed side of zero and not short of "
    "the published number; it is weaker where the interval includes zero or falls short, and reversed where the "
    "interval lies on the other side."
)
CONTROLS = "Does training matter? SAE features less what stands in their place"
HEADLINE = "Is the nearest peer nearer than the industry? Return correlations"
_HEADLINE_RULE = (
    "An industry is a two-digit SIC code; differences have 95 % intervals, of peers over years, of clusters over "
    "companies. Walk-forward knows earlier years alone."
)
_CONTROL_RULE = (
    "Differences by year with 95 % intervals over years, of labels and themes over companies, and over draws where a "
    "control was drawn several times; "
    "better and worse once corrected for the number of tests. All of it is in control_findings."
)
_HEADERS = ("claim", "published", "as published, here", "corrected, here", "verdict", "why", "table")
_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 78rem; padding: 0 1rem; color: #1b1b1b }
table { border-collapse: collapse; margin: 1rem 0; font-size: 14px }
th, td { border-bottom: 1px solid #d5d5d5; padding: .35rem .6rem; text-align: left; vertical-align: top }
th { border-bottom: 2px solid #555 }
td.number, table.dataframe td { font-variant-numeric: tabular-nums; white-space: nowrap }
.stands { color: #00654d; font-weight: 600 } .weaker { color: #8a5a00; font-weight: 600 }
.suspicious { color: #8a5a00; font-weight: 600 }
.reversed, .stop, .failed { color: #a5260a; font-weight: 600 } .scroll { overflow-x: auto }
""".strip()


def markdown_page(
    findings: "pd.DataFrame",
    universe: str,
    cautions: list[str],
    link: str = "{table}.parquet",
    controls: "pd.DataFrame | None" = None,
    headline: "pd.DataFrame | None" = None,
) -> str:
    """The page as Markdown; `link` makes a table's name an address.

    Args:
        controls: what `summary` makes of controls. headline: from `headline`, the first thing on the page.
    """
    lines = [" | ".join(_HEADERS), " | ".join("---" for _ in _HEADERS)]
    for row in findings.to_dict("records"):
        cells = [*_cells(row), f"[{row['table']}]({link.format(table=row['table'])})"]
        lines.append(" | ".join(cell.replace("|", "\\|") for cell in cells))
    table = "\n".join(f"| {line} |" for line in lines)
    notes = "\n".join(f"- {caution}" for caution in cautions)
    above = [part for title, shown, rule in _above(headline, controls) for part in (f"## {title}", _plain(shown), rule)]
    parts = [f"# {TITLE}", f"Computed on {universe}.", notes, *above, *(["## Claims"] if above else []), table, RULE]
    return "\n\n".join(part for part in parts if part) + "\n"


def _above(
    headline: "pd.DataFrame | None", controls: "pd.DataFrame | None"
) -> "Iterator[tuple[str, pd.DataFrame, str]]":
    """What stands above the claims, where there is any: title, table, and how to read it."""
    for title, table, rule in ((HEADLINE, headline, _HEADLINE_RULE), (CONTROLS, controls, _CONTROL_RULE)):
        if table is not None and not table.empty:
            yield title, table, rule


def _plain(table: "pd.DataFrame") -> str:
    rows = [list(table.columns), ["---"] * table.shape[1], *table.to_numpy().tolist()]
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in rows)


def html_page(
    findings: "pd.DataFrame",
    universe: str,
    cautions: list[str],
    tables: "Mapping[str, pd.DataFrame]",
    controls: "pd.DataFrame | None" = None,
    headline: "pd.DataFrame | None" = None,
) -> str:
    """The page as HTML that needs nothing else: the tables that the claims rest on follow below, linked."""
    head = "".join(f"<th>{escape(name)}</th>" for name in _HEADERS)
    body = "".join(_html_row(row) for row in findings.to_dict("records"))
    notes = "".join(f"<li>{escape(caution)}</li>" for caution in cautions)
    above = ""
    for title, shown, rule in _above(headline, controls):
        markup = shown.to_html(index=False, border=0, escape=True)
        above += f'<h2>{escape(title)}</h2><div class="scroll">{markup}</div><p>{escape(rule)}</p>'
    above += "<h2>Claims</h2>" if above else ""
    below = "".join(_html_table(name, table) for name, table in tables.items())
    return html_document(
        TITLE,
        f"<p>Computed on {escape(universe)}.</p>"
        f"<ul>{notes}</ul>{above}"
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
        f"<p>{escape(RULE)}</p>{below}",
    )


def html_document(title: str, body: str) -> str:
    """A page with this title above markup that needs nothing else."""
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{escape(title)}</h1>{body}</body></html>\n"
    )


def _html_row(row: Mapping[Hashable, Any]) -> str:
    claim, published, ours, honest, verdict, why = (escape(cell) for cell in _cells(row))
    name = escape(str(row["table"]))
    kind = verdict.split(" ")[0]
    numbers = "".join(f'<td class="number">{cell}</td>' for cell in (published, ours, honest))
    return (
        f'<tr><td>{claim}</td>{numbers}<td class="{kind}">{verdict}</td><td>{why}</td>'
        f'<td><a href="#{name}">{name}</a></td></tr>'
    )


def _html_table(name: str, table: "pd.DataFrame") -> str:
    shown = table.to_html(index=False, na_rep="", border=0, escape=True, float_format="{:.4g}".format)
    return (
        f'<h2 id="{escape(name)}">{escape(name)}</h2><p><a href="{escape(name)}.parquet">{escape(name)}.parquet</a></p>'
        f'<div class="scroll">{shown}</div>'
    )


def _cells(row: Mapping[Hashable, Any]) -> list[str]:
    """Claim, published, as published, corrected with interval, verdict, why."""
    honest = _number(row["honest"])
    interval = f" [{_number(row['low'])}, {_number(row['high'])}]" if _number(row["low"]) else ""
    published, ours = _number(row["published"]), _number(row["as_published"])
    return [str(row["claim"]), published, ours, honest + interval, str(row["verdict"]), str(row["why"])]


def _number(value: Any) -> str:
    number = float(value)
    return "" if number != number else f"{number:.3f}" if abs(number) < 1 else f"{number:.2f}"
