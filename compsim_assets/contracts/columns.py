"""Columns that several tables share."""

from compsim_assets.contracts.table import Column

REPORT = Column("report_id", "int64", "Report: one company in one year; the universe's own id.")
YEAR = Column("year", "int64", "Calendar year of the returns.", at_least=1900, at_most=2200)
CLUSTER = Column("cluster_id", "int64", "Cluster number within its year, 1 is the largest.", at_least=1)
LATENT = Column("latent", "int64", "SAE feature, 0-based.", at_least=0)
METHOD = Column("method", "string", "How reports are grouped: our modes, SIC groups, published cluster sets.")


def correlation(name: str, description: str, nullable: bool = True) -> Column:
    """A column of correlations, or of their means."""
    return Column(name, "float64", description, nullable=nullable, at_least=-1.0000001, at_most=1.0000001)


def share(name: str, description: str, nullable: bool = False) -> Column:
    """A column of shares of one."""
    return Column(name, "float64", description, nullable=nullable, at_least=0, at_most=1)


def count(name: str, description: str) -> Column:
    """A column of counts."""
    return Column(name, "int64", description, at_least=0)


def number(name: str, description: str) -> Column:
    """A column of numbers of any size; null where there is none."""
    return Column(name, "float64", description, nullable=True)
