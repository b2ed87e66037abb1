"""What is out of date: asked before a run, of the notes that lie beside results.

A result is up to date if it is there and was made by the present code, with the same settings and configuration, from
what its inputs and the universe's files hold now. What is made from a result that is made again is made again, too.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import dagster as dg

from compsim_assets.checks import STOPPED
from compsim_assets.contracts.modes import CUTOFF_MODES
from compsim_assets.storage.io_managers import MATTERS
from compsim_assets.storage.lineage import Note, name_of
from compsim_assets.storage.results import Results
from compsim_assets.universe.fingerprint import fingerprints

if TYPE_CHECKING:
    from compsim_assets.settings import Settings


@dataclass(frozen=True)
class Plan:
    """What a run is to make.

    assets: in the order of the graph. modes: the cutoff modes that the run is over. reasons: by result, why it is made.
    current: how many selected results are up to date. blocked: by result that is not selected, but out of date, and
    that a selected one is made from, why; readers refuse it, or what they make of it is of the past.
    """

    assets: list[dg.AssetKey]
    modes: list[str]
    reasons: dict[str, str]
    current: int
    blocked: dict[str, str] = field(default_factory=dict)


def plan(
    defs: dg.Definitions,
    settings: "Settings",
    selection: Collection[dg.AssetKey],
    modes: Sequence[str] = CUTOFF_MODES,
    force: bool = False,
    config: Mapping[str, Mapping[str, Any]] | None = None,
) -> Plan:
    """Which of the selected assets are out of date, or are made from one that is made again.

    Args:
        modes: cutoff modes that are asked for.
        force: make everything that is selected.
        config: of ops that are not to run with their defaults, by name.

    Raises:
        UniverseError: see `fingerprints`.

    Cost: a look at each file of the universe and of the results; see `fingerprints` for those that are new.
    """
    planner = _Planner(defs, settings, frozenset(selection), modes, config or {})
    for key in planner.keys:
        planner.look_at(key, force)
    made = [planner.results[name] for name in planner.reasons]
    of_modes = {mode for _, mode in made} - {None} or set(modes)
    return Plan(
        assets=list(dict.fromkeys(key for key, _ in made)),
        # A run over one mode makes assets of that mode; those that are of none do not mind.
        modes=[mode for mode in CUTOFF_MODES if mode in of_modes],
        reasons=planner.reasons,
        current=planner.current,
        blocked=planner.blocked,
    )


class _Planner:
    """Looks at results from the sources down, so that what is behind one has been looked at before.

    Attributes:
        results: asset and mode of each result, by name.
        reasons, current, blocked: see `Plan`.
    """

    def __init__(
        self,
        defs: dg.Definitions,
        settings: "Settings",
        selection: frozenset[dg.AssetKey],
        modes: Sequence[str],
        config: Mapping[str, Mapping[str, Any]],
    ) -> None:
        self.results: dict[str, tuple[dg.AssetKey, str | None]] = {}
        self.reasons, self.current, self.blocked = dict[str, str](), 0, dict[str, str]()
        self._graph = defs.resolve_asset_graph()
        self._settings, self._selection, self._modes, self._config = settings, selection, modes, config
        self._folder, self._present = Results.of(settings), settings.taking_part()
        self._lineage = self._folder.lineage(self._present)
        self._stale: dict[str, str] = {}  # why a result is out of date, or what is behind it; whatever is selected

    @cached_property
    def keys(self) -> list[dg.AssetKey]:
        """The selected assets and all that is behind them, from the sources down."""
        ordered = [key for level in self._graph.toposorted_asset_keys_by_level for key in sorted(level)]
        needed = set(self._selection)
        for key in reversed(ordered):
            if key in needed:
                needed |= self._graph.get(key).parent_keys
        return [key for key in ordered if key in needed]

    def look_at(self, key: dg.AssetKey, force: bool) -> None:
        """Find out which results of an asset are out of date, which of them are made, and why."""
        for name, mode in self._names(key):
            self.results[name] = key, mode
            why = self._why(key, name, mode)
            parents = [parent for parents in self._parents(key, mode).values() for parent in parents]
            behind = next((parent for parent in parents if self._stale[parent]), "")
            self._stale[name] = why or (f"{behind} is out of date" if behind else "")
            if not self._is_asked_for(name):
                continue
            again = next((parent for parent in parents if parent in self.reasons), "")
            if reason := "asked for" if force else why or (f"{again} is made again" if again else ""):
                self.reasons[name] = reason
            else:
                self.current += 1
            others = [parent for parent in parents if self.results[parent][0] not in self._selection]
            self.blocked |= {parent: self._stale[parent] for parent in others if self._stale[parent]}

    def _names(self, key: dg.AssetKey) -> list[tuple[str, str | None]]:
        """The results of an asset with their modes: one, or one per cutoff mode."""
        by_mode = self._graph.get(key).partitions_def is not None
        return [(name_of(key.path[-1], mode), mode) for mode in (CUTOFF_MODES if by_mode else (None,))]

    def _parents(self, key: dg.AssetKey, mode: str | None) -> dict[dg.AssetKey, list[str]]:
        """By asset the results that one is made from: those of its own mode, or of all where it has none."""
        parents = sorted(self._graph.get(key).parent_keys)
        names = {parent: self._names(parent) for parent in parents}
        return {parent: [name for name, of in names[parent] if not (of and mode) or of == mode] for parent in parents}

    def _is_asked_for(self, name: str) -> bool:
        key, mode = self.results[name]
        return key in self._selection and (mode is None or mode in self._modes)

    def _why(self, key: dg.AssetKey, name: str, mode: str | None) -> str:
        """Why a result is out of date by what its own note says; empty where it is not."""
        if not self._folder.content(name):
            return "never made, or damaged"
        note = self._folder.note(name)
        if note is None:
            return "made by something that left no note of it"
        node = self._graph.get(key)
        if note.code != (node.code_version or ""):
            return "its code changed"
        matter = {setting: self._present[setting] for setting in node.metadata.get(MATTERS, ())}
        if dict(note.settings) != matter:
            return f"made with other settings: {_differing(note.settings, matter)}"
        wanted = self._config_of(node.assets_def.op)
        if dict(note.config) != wanted:
            return f"made with another configuration: {_differing(note.config, wanted)}"
        if note.source == STOPPED:
            return "it stopped the publication"
        if note.source != self._fingerprints[key.path[-1]]:
            return "the universe's files changed"
        return self._changed_input(note, self._parents(key, mode), of_all_modes=mode is None)

    def _changed_input(self, note: Note, parents: Mapping[dg.AssetKey, list[str]], of_all_modes: bool) -> str:
        """Which result was another one when this note was made, or was not there yet, or is not any more."""
        for parent, names in parents.items():
            comparing = of_all_modes and self._graph.get(parent).partitions_def is not None
            for name in (name for name in names if name not in self.reasons):  # what is made again is looked at later
                before, now = note.inputs.get(name, ""), self._folder.content(name)
                if comparing and now and self._lineage.why_unusable(name):
                    now = ""  # it would be left out
                if before != now:
                    return f"{name} {'changed' if before and now else 'is new' if now else 'is of the past'}"
        return ""

    @cached_property
    def _fingerprints(self) -> dict[str, str]:
        return fingerprints(self._settings, [key.path[-1] for key in self.keys])

    def _config_of(self, op: Any) -> dict[str, Any]:
        """The configuration that a step would get: what is given, and defaults."""
        schema = op.config_schema.config_type if op.config_schema else None
        fields = getattr(schema, "fields", None) or {}
        defaults = {name: each.default_value for name, each in fields.items() if each.default_provided}
        return {**defaults, **self._config.get(op.name, {})}


def _differing(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    return ", ".join(sorted(name for name in {*before, *now} if before.get(name) != now.get(name)))
