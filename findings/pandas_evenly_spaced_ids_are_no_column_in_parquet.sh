#!/usr/bin/env bash
# pandas 3.1.1 (BSD-3), pyarrow 26.0.1 (Apache-2.0), duckdb 2.0.1 (MIT), CPython 3.11.
#
# One would guess: frame.set_index("report_id").to_parquet(path) writes the ids into the file, as it does for any index
# that is not the plain row number; with pandas 2 it does.
# It does for ids without a rule. Where ids happen to be evenly spaced (1000, 1003, 1006: every third id of a larger
# table, or ids numbered from 1), pandas 3 makes the index a RangeIndex, and of that only start, stop and step are
# written, into metadata that pandas alone reads. DuckDB, polars, Spark, or pyarrow's own columns see a file without ids.
# Dropping one row in the middle brings the column back.
#
# For company similarity: the ids that join texts, features and clusters can be gone for every reader but pandas, or
# appear and vanish from one year's file to the next. compsim reads them from the metadata.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for pandas in 2.3.3 3.1.1; do
  python3 -m venv "$folder/$pandas"
  "$folder/$pandas/bin/pip" install --quiet "pandas==$pandas" pyarrow==26.0.1 duckdb==2.0.1
  "$folder/$pandas/bin/python" - "$folder" <<'PY'
import sys

import duckdb
import pandas as pd
import pyarrow.parquet as pq

path = f"{sys.argv[1]}/reports.parquet"
reports = pd.DataFrame({"report_id": [1000, 1003, 1006, 1009], "year": [2019] * 4}).set_index("report_id")
columns = {}
for name, frame in (("evenly spaced", reports), ("one dropped", reports.drop(1003))):
    frame.to_parquet(path)
    columns[name] = [row[0] for row in duckdb.sql(f"describe select * from '{path}'").fetchall()]
    assert pq.read_table(path).column_names == columns[name]
    assert pd.read_parquet(path).index.tolist() == frame.index.tolist()
print(f"pandas {pd.__version__}: columns that DuckDB sees: {columns}")
assert columns["one dropped"] == ["year", "report_id"]
assert columns["evenly spaced"] == (["year"] if pd.__version__ == "3.1.1" else ["year", "report_id"])
PY
done
# Seen:
# pandas 2.3.3: columns that DuckDB sees: {'evenly spaced': ['year', 'report_id'], 'one dropped': ['year', 'report_id']}
# pandas 3.1.1: columns that DuckDB sees: {'evenly spaced': ['year'], 'one dropped': ['year', 'report_id']}
