"""Columns that several tables share, and the kinds of columns there are."""

from compsim_assets.contracts.table import Column


def text(name: str, description: str, nullable: bool = False) -> Column:
    """A column of texts."""
    return Column(name, "string", description, nullable)


def flag(name: str, description: str) -> Column:
    """A column of true and false."""
    return Column(name, "bool", description)


def day(name: str, description: str, nullable: bool = False) -> Column:
    """A column of dates."""
    return Column(name, "date32", description, nullable)


def count(name: str, description: str, at_least: int = 0) -> Column:
    """A column of counts."""
    return Column(name, "int64", description, at_least=at_least)


def number(name: str, description: str) -> Column:
    """A column of numbers of any size; null where there is none."""
    return Column(name, "float64", description, nullable=True)


def size(name: str, description: str, nullable: bool = False) -> Column:
    """A column of numbers that are never negative."""
    return Column(name, "float64", description, nullable, at_least=0)


def share(name: str, description: str, nullable: bool = False) -> Column:
    """A column of shares of one."""
    return Column(name, "float64", description, nullable, at_least=0, at_most=1)


def per_cent(name: str, description: str, nullable: bool = False) -> Column:
    """A column of shares of a hundred."""
    return Column(name, "float64", description, nullable, at_least=0, at_most=100)


def correlation(name: str, description: str, nullable: bool = True) -> Column:
    """A column of correlations, or of their means."""
    return Column(name, "float64", description, nullable, at_least=-1.0000001, at_most=1.0000001)


REPORT = Column("report_id", "int64", "Report: one company in one year; the universe's own id.")
YEAR = Column("year", "int64", "Calendar year of the returns.", at_least=1900, at_most=2200)
CLUSTER = count("cluster_id", "Cluster number within its year, 1 is the largest.", at_least=1)
LATENT = count("latent", "SAE feature, 0-based.")
METHOD = text("method", "How reports are grouped: our modes, SIC groups, published cluster sets.")
MEMBERS = count("n_members", "Reports in the cluster.", at_least=2)
CLUSTERS = count("n_clusters", "Clusters with at least two members.")
CUT_CORRELATION = correlation("mean_correlation", "MeanCorr of this year's clusters at the cutoff.")
COST = size("cost_bp", "Costs of a trade, in basis points of its value.")
