"""The tables that cross an asset boundary: columns in order, types, limits, units and keys.

What belongs here: what is promised of a table, a file per subject, and the check of a value against it. A fact about a
table is said here and nowhere else: IO managers validate by it, workers and storage take their types from it, assets
get a table without rows from it (`TABLES[name].empty()`), the UI shows it. What does not: how a table is computed
(science, evidence) and where it lies (storage).
"""

from compsim_assets.contracts import clustering, evidence, reasons, results, trading, training, universe, variants
from compsim_assets.contracts.table import Column, ContractError, Table, validate

__all__ = ["TABLES", "Column", "ContractError", "Table", "validate"]

TABLES: dict[str, Table] = {
    table.name: table
    for module in (universe, training, clustering, variants, reasons, results, evidence, trading)
    for table in module.TABLES
}
