"""Names of a local universe's columns, and the error for input that cannot be used."""

ID = "__index_level_0__"
RETURNS = "logged_monthly_returns_matrix"


class UniverseError(ValueError):
    """Input that cannot be used; the message names file, row and what was expected."""
