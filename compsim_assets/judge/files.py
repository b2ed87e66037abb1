"""What is judged, on disk: delphi's files in delphi's places, and a record of ours; all of a latent's at once.

    fuzz_scores/explanations/<hookpoint>_latent<N>.txt      the label, a JSON text
    fuzz_scores/scores/fuzz/<hookpoint>_latent<N>.txt       a JSON list of examples; scores/detection/ likewise
    fuzz_scores/judge/<hookpoint>_latent<N>.json            model, prompt version, seed, tokens, cost, answers lacking

A latent's files are written aside; one renaming makes them count (`.judged/`), then they are moved to their places.
Who comes after a kill moves what is left there. Files without a record of ours are somebody else's and stay.
"""

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from compsim_assets.storage.publish import PublishedFolder, sync, sync_tree
from compsim_assets.universe.judging.labels import file_stem, read_record

_SUFFIXES = (".txt", ".json")


class JudgeFiles:
    """The folder `fuzz_scores` of a universe."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ready = folder / ".judged"
        self._there: dict[str, set[str]] = {}

    def recover(self) -> int:
        """Move to their places what counted when a run was killed; how many latents that were."""
        left = sorted(self._ready.iterdir()) if self._ready.is_dir() else []
        for ready in left:
            self._place(ready)
        return len(left)

    def record(self, hookpoint: str, latent: int) -> dict[str, Any] | None:
        """What is written of a judged latent; None of one that is not judged."""
        path = self.folder / "judge" / f"{file_stem(hookpoint, latent)}.json"
        return read_record(path) if path.name in self._names("judge") else None

    def of_others(self, hookpoint: str, latent: int, kind: str) -> Path | None:
        """Somebody else's file of this kind (`fuzz`, `detection`, `label`) for a latent; None where there is none."""
        ours = (self.record(hookpoint, latent) or {}).get("files", [])
        folders = {"label": ("explanations",), "fuzz": ("", "scores/fuzz")}.get(kind, (f"scores/{kind}",))
        for folder in folders:
            for suffix in _SUFFIXES:
                name = file_stem(hookpoint, latent) + suffix
                if name in self._names(folder) and str(Path(folder, name)) not in ours:
                    return self.folder / folder / name
        return None

    def write(self, hookpoint: str, latent: int, texts: Mapping[str, str], record: Mapping[str, Any]) -> None:
        """Write a latent's files and its record; a kill leaves all of them or none.

        Args:
            texts: by folder (`explanations`, `scores/fuzz`): what the latent's file there holds.
            record: gets the files' names.
        """
        stem = file_stem(hookpoint, latent)
        files = {f"{folder}/{stem}.txt": text for folder, text in texts.items()}
        before = (self.record(hookpoint, latent) or {}).get("files", [])
        described = json.dumps({**record, "files": sorted(files)}, indent=1, ensure_ascii=False, allow_nan=False)
        with PublishedFolder(self.folder).scratch(stem) as scratch:
            aside = scratch / stem
            for name, text in {**files, f"judge/{stem}.json": described + "\n"}.items():
                (aside / name).parent.mkdir(parents=True, exist_ok=True)
                (aside / name).write_text(text, encoding="utf-8")
            sync_tree(aside)
            self._ready.mkdir(exist_ok=True)
            os.rename(aside, self._ready / stem)
            sync(self._ready)
        self._place(self._ready / stem)
        for name in set(before) - set(files):
            (self.folder / name).unlink(missing_ok=True)

    def _place(self, ready: Path) -> None:
        for path in sorted(ready.rglob("*")):
            if path.is_file():
                target = self.folder / path.relative_to(ready)
                target.parent.mkdir(parents=True, exist_ok=True)
                os.replace(path, target)
                sync(target.parent)
        shutil.rmtree(ready)

    def _names(self, folder: str) -> set[str]:
        """Files of a folder, as they were when it was first asked for."""
        if folder not in self._there:
            path = self.folder / folder
            self._there[folder] = {each.name for each in os.scandir(path)} if path.is_dir() else set()
        return self._there[folder]
