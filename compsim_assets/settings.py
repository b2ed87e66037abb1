"""Where data come from and where results go: the COMPSIM_* environment, or this resource's config in the UI.

The environment is read as a whole, before any run: a value that a variable cannot have is refused, and so is a variable
that looks like a misspelled setting, since the run would be one of other data.
"""

import multiprocessing
import os
import warnings
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import Field, ValidationError, ValidationInfo, field_validator

SOURCES = ("sample", "local", "huggingface")
SIMILARITIES = ("auto", "features", "pairs")
_PREFIX = "COMPSIM_"
# What is read elsewhere: by the launcher and what it starts (docs/cluster.md), by automation (docs/automation.md), by
# the judge (docs/judge.md), and by the tests (docs/house.md).
_BEYOND_SETTINGS = (
    "NPROC", "JOIN_TIMEOUT", "HEARTBEAT", "KEEP_VERSIONS", "KEEP_DAYS", "KEEP_RUNS",
    "INBOX", "JUDGE", "UNATTENDED", "AUTOMATE", "UI", "WEBHOOK", "WEBHOOK_SECRET", "WEBHOOK_SECRET_FILE",
    "KILLS", "KILL_DRILL", "REAL_UNIVERSE", "REQUIRE_BROWSER", "REQUIRE_POSTGRES", "REQUIRE_SLURM", "TEST_PREFIX",
    "UPDATE_SNAPSHOT",
)  # fmt: skip


def checkout() -> Path | None:
    """The repository's folder, where the package runs from there; None where it is installed without it."""
    folder = Path(__file__).resolve().parents[1]
    return folder if (folder / "workspace.yaml").is_file() else None


def default_data() -> Path:
    """Where results go if nothing else is said: `data` in a checkout, else the user's data folder.

    What lies in site-packages goes with the next version.
    """
    if folder := checkout():
        return folder / "data"
    from platformdirs import user_data_path

    return user_data_path("compsim-assets", appauthor=False)


class Settings(dg.ConfigurableResource):
    """Source of the universe, its folder, the data folder, and which reports and similarities are used.

    Raises:
        ValueError: a source or a similarity that does not exist, results that would go into a file.
    """

    source: str = Field(
        default="sample",
        description="Universe: 'sample' (embedded, synthetic), 'local' (a folder) or 'huggingface'. COMPSIM_SOURCE.",
    )
    universe: str = Field(
        default="",
        description="Folder of a local universe; needed for 'local'. For 'huggingface' optional: a huggingface.toml, "
        "and whatever the hub does not have (fuzz scores, published clusters, prices). COMPSIM_UNIVERSE.",
    )
    data: str = Field(default=str(default_data()), description="Where results go. COMPSIM_DATA.")
    similarity: str = Field(
        default="auto",
        description="What companies are compared by: 'features', 'pairs' (the universe's published pairs; features are "
        "not read), or 'auto': features where the universe has them, else its pairs. COMPSIM_SIMILARITY.",
    )
    drop_without_sic_code: bool | None = Field(
        default=None,
        description="Leave reports without a SIC code out of features and PCA, as the published code does; by default "
        "only for 'huggingface'. COMPSIM_DROP_WITHOUT_SIC_CODE.",
    )
    drop_without_returns: bool | None = Field(
        default=None,
        description="Leave reports without twelve defined returns out of clustering, as the published code does; by "
        "default only for 'huggingface'. COMPSIM_DROP_WITHOUT_RETURNS.",
    )

    @field_validator("source", "similarity")
    @classmethod
    def _one_of(cls, value: str, field: ValidationInfo) -> str:
        allowed = SOURCES if field.field_name == "source" else SIMILARITIES
        if value not in allowed:
            raise ValueError(
                f"COMPSIM_{str(field.field_name).upper()} is {value!r}, expected one of {', '.join(allowed)}"
            )
        return value

    @field_validator("data")
    @classmethod
    def _a_folder(cls, value: str) -> str:
        if Path(value).expanduser().is_file():
            raise ValueError(f"COMPSIM_DATA is {value!r}, a file, expected a folder")
        return value

    @classmethod
    def from_environment(cls) -> "Settings":
        """Settings from COMPSIM_<FIELD>, e.g. COMPSIM_SOURCE; empty values count as unset.

        Raises:
            ValueError: a COMPSIM_ variable with a value that it cannot have, or that looks like a misspelled one.
        """
        _look_for_misspellings({field.upper() for field in cls.model_fields} | set(_BEYOND_SETTINGS))
        processes()
        versions_to_keep()
        _number("JOIN_TIMEOUT", "a number of seconds from 1")
        values = {field: _value(field.upper()) for field in cls.model_fields}
        try:
            return cls.model_validate({field: _parsed(field, value) for field, value in values.items() if value})
        except ValidationError as problem:
            raise ValueError(problem.errors()[0]["msg"].removeprefix("Value error, ")) from None

    @property
    def without_sic_code_dropped(self) -> bool:
        """Whether reports without a SIC code are left out of features and PCA."""
        drop = self.drop_without_sic_code
        return self.source == "huggingface" if drop is None else drop

    @property
    def without_returns_dropped(self) -> bool:
        """Whether reports without defined returns are left out of clustering."""
        drop = self.drop_without_returns
        return self.source == "huggingface" if drop is None else drop

    def taking_part(self) -> dict[str, Any]:
        """What results can depend on, by the name of the setting."""
        return {
            "similarity": self.similarity,
            "drop_without_sic_code": self.without_sic_code_dropped,
            "drop_without_returns": self.without_returns_dropped,
        }

    @property
    def synthetic(self) -> bool:
        """True where the universe is generated, which everything made from it must say."""
        return self.source == "sample"

    @property
    def data_name(self) -> str:
        """What results say they are made of."""
        return "synthetic sample" if self.synthetic else self.source


def versions_to_keep() -> tuple[int, int]:
    """How many versions of results are kept, and for how many days: COMPSIM_KEEP_VERSIONS, COMPSIM_KEEP_DAYS.

    Raises:
        ValueError: one is no number from 1.
    """
    return int(_number("KEEP_VERSIONS", "a number from 1") or 10), int(_number("KEEP_DAYS", "a number from 1") or 90)


def runs_to_keep() -> tuple[int, int]:
    """How many runs Dagster remembers, and for how many days: COMPSIM_KEEP_RUNS, COMPSIM_KEEP_DAYS.

    Raises:
        ValueError: one is no number from 1.
    """
    return int(_number("KEEP_RUNS", "a number from 1") or 200), int(_number("KEEP_DAYS", "a number from 1") or 90)


def processes() -> str:
    """Processes torchrun starts per node: COMPSIM_NPROC, a number or `auto` (GPUs, else 1).

    Raises:
        ValueError: it is neither.
    """
    return "auto" if _value("NPROC") == "auto" else _number("NPROC", "a number from 1, or auto") or "auto"


def setting(variable: str) -> str:
    """The value of a variable that is no field of `Settings`, by its whole name; empty where it is unset."""
    return _value(variable.removeprefix(_PREFIX))


def flag(variable: str) -> bool:
    """Whether such a variable is true; it is not where it is unset.

    Raises:
        ValueError: it is neither true nor false.
    """
    return bool((value := setting(variable)) and _truth(variable.removeprefix(_PREFIX), value))


def _value(name: str) -> str:
    return os.environ.get(_PREFIX + name, "")


def _number(name: str, expected: str) -> str:
    """The value of a variable that holds a whole number above zero; empty where it is unset."""
    value = _value(name)
    if value and not (value.isdecimal() and int(value) > 0):
        raise ValueError(f"{_PREFIX}{name} is {value!r}, expected {expected}")
    return value


def _parsed(field: str, value: str) -> str | bool:
    if not field.startswith("drop_"):
        return value
    return _truth(field.upper(), value)


def _truth(name: str, value: str) -> bool:
    if value.lower() not in ("true", "false", "1", "0"):
        raise ValueError(f"{_PREFIX}{name} is {value!r}, expected true or false")
    return value.lower() in ("true", "1")


def _look_for_misspellings(names: set[str]) -> None:
    """Refuse a COMPSIM_ variable that is nearly one of these; of others warn once, and not in every step."""
    unknown = sorted(
        name for name in os.environ
        if name.upper().startswith(_PREFIX) and name not in {_PREFIX + each for each in names}
    )  # fmt: skip
    for name in unknown:
        if near := get_close_matches(name[len(_PREFIX) :].upper(), sorted(names), n=1, cutoff=0.7):
            raise ValueError(f"{name} is no setting: did you mean {_PREFIX}{near[0]}?")
    if unknown and multiprocessing.parent_process() is None:
        warnings.warn(f"compsim has no setting {', '.join(unknown)}: without effect", stacklevel=3)
