"""What the UI shows of a result: the first rows of a table, a picture inline."""

from base64 import b64encode
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

PREVIEW_ROWS = 12
_TEXT_LENGTH = 80


def markdown_preview(table: "pa.Table", rows: int = PREVIEW_ROWS) -> str:
    """The first rows as a Markdown table; long texts and lists are shortened."""
    from tabulate import tabulate

    head = table.slice(0, rows).to_pylist()
    if not head:
        return "*no rows*"
    body = [[_shorten(row[name]) for name in table.column_names] for row in head]
    more = f"\n\n*{table.num_rows - rows:,} more rows*" if table.num_rows > rows else ""
    return tabulate(body, headers=table.column_names, tablefmt="pipe", disable_numparse=True) + more


def plain_rows(table: "pd.DataFrame") -> list[list[Any]]:
    """A frame's rows for `tabulate`, which leaves None empty, but not NaN."""
    return table.astype(object).where(table.notna(), None).to_numpy().tolist()


def inline_image(png: bytes, title: str) -> str:
    """A PNG as a Markdown image that needs no server."""
    return f"![{title}](data:image/png;base64,{b64encode(png).decode()})"


def _shorten(value: Any) -> str:
    if value is None or value != value:
        return ""
    if isinstance(value, float):
        return f"{value:.5g}"
    if isinstance(value, list):
        start = ", ".join(_shorten(item) for item in value[:3])
        return f"[{start}, ... {len(value)} values]" if len(value) > 3 else f"[{start}]"
    text = str(value).replace("\n", " ").replace("|", "\\|")
    return text if len(text) <= _TEXT_LENGTH else text[: _TEXT_LENGTH - 1] + "…"
