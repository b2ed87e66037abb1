"""The tables that cross an asset boundary: columns, types, ranges and keys."""

from compsim_assets.contracts import clustering, evidence, results, trading, universe, variants
from compsim_assets.contracts.table import Column, ContractError, Table, validate

__all__ = ["TABLES", "Column", "ContractError", "Table", "validate"]

TABLES: dict[str, Table] = {
    table.name: table
    for module in (universe, clustering, variants, results, evidence, trading)
    for table in module.TABLES
}
