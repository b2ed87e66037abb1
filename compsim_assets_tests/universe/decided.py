"""What was decided of a universe's files, for tests."""

from compsim_assets.universe.intake.decisions import Decision


def graded(decisions: list[Decision], grade: str) -> dict[str, int]:
    """How many of each subject have this grade."""
    return {decision.subject: decision.count for decision in decisions if decision.grade == grade}
