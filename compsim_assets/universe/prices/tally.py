"""Decisions on many files as one row each."""

from dataclasses import dataclass, field

from compsim_assets.universe.intake.decisions import Notes


@dataclass
class Tally:
    """What is said of many files, one row each: counts add up, the first example stays."""

    rows: dict[tuple[str, str, str, str], tuple[int, str]] = field(default_factory=dict)

    def add(self, grade: str, subject: str, what: str, count: int = 0, example: str = "", remedy: str = "") -> None:
        """Count; see `Decision` for the words."""
        key = (grade, subject, what, remedy)
        before, first = self.rows.get(key, (0, example))
        self.rows[key] = before + count, first

    def say(self, notes: Notes) -> None:
        """One row of `universe_report` for each."""
        for (grade, subject, what, remedy), (count, example) in self.rows.items():
            getattr(notes, grade)(subject, what, count, example, remedy)
