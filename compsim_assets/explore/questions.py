"""What cannot be answered, said so that the next question can be."""

from collections.abc import Iterable


class Unanswerable(LookupError):
    """Nothing of that name, number or year is there, or it is several; says what there is instead."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


def few(texts: Iterable[str], most: int = 8) -> str:
    """The first of some texts, and how many there are beyond them."""
    every = list(texts)
    more = f" and {len(every) - most} more" if len(every) > most else ""
    return ", ".join(every[:most]) + more


def ranges(years: Iterable[int]) -> str:
    """Years in few words: 2001-2004, 2007."""
    runs: list[list[int]] = []
    for year in sorted(set(years)):
        if runs and year == runs[-1][-1] + 1:
            runs[-1].append(year)
        else:
            runs.append([year])
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)
