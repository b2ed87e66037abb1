"""What the UI shows: Markdown tables that stay small, and pictures that need no server."""

from base64 import b64decode
from datetime import date

import pyarrow as pa

from compsim_assets.storage.previews import PREVIEW_ROWS, inline_image, markdown_preview


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_the_first_rows_and_how_many_more() -> None:
    text = markdown_preview(pa.table({"year": range(15), "method": ["base"] * 15}))
    head, _, *body = text.splitlines()
    assert cells(head) == ["year", "method"]
    assert [cells(line) for line in body[:PREVIEW_ROWS]] == [[str(i), "base"] for i in range(12)]
    assert body[PREVIEW_ROWS:] == ["", "*3 more rows*"]


def test_all_rows_where_they_fit() -> None:
    text = markdown_preview(pa.table({"year": range(PREVIEW_ROWS)}))
    assert len(text.splitlines()) == 2 + PREVIEW_ROWS
    assert "more rows" not in text


def test_no_rows() -> None:
    assert markdown_preview(pa.table({"year": pa.array([], pa.int64())})) == "*no rows*"


def test_values_are_short() -> None:
    table = pa.table(
        {
            "text": ["x" * 200],
            "lines": ["one\ntwo | three"],
            "number": [0.123456789],
            "code": ["0100"],
            "day": [date(2020, 1, 2)],
            "list": [[0.1, 0.2, 0.3, 0.4]],
            "two": [[1.5, None]],
            "flag": [True],
        }
    )
    _, _, row = markdown_preview(table).splitlines()
    assert row.replace("\\|", "/").count("|") == len(table.column_names) + 1
    text, lines, number, code, day, values, two, flag = cells(row.replace("\\|", "/"))
    assert len(text) == 80
    assert text.endswith("x…")
    assert lines == "one two / three"
    assert number == "0.12346"
    assert code == "0100"
    assert day == "2020-01-02"
    assert values == "[0.1, 0.2, 0.3, ... 4 values]"
    assert two == "[1.5, ]"
    assert flag == "True"


def test_nothing_is_shown_for_null_and_nan() -> None:
    table = pa.table({"a": pa.array([None, 1.0]), "b": [float("nan"), 2.0], "c": [None, "x"]})
    first, second = markdown_preview(table).splitlines()[2:]
    assert cells(first) == ["", "", ""]
    assert cells(second) == ["1", "2", "x"]


def test_a_picture_is_inline() -> None:
    text = inline_image(b"\x89PNG bytes", "theta_by_year")
    start, data = text.split(";base64,")
    assert start == "![theta_by_year](data:image/png"
    assert b64decode(data.removesuffix(")")) == b"\x89PNG bytes"
