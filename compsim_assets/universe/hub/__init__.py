"""Data sets of the Hugging Face hub: which files, at which commit; each fetched, checked, kept or removed again.

Everything that talks to the hub is here: calls that are tried again (`calls`), files (`files`), which files a split has
(`splits`), a revision pinned and recorded for work offline (`revisions`), and the universe made of them (`universe`).
What the tables hold is not known here but in the folder above.
"""

from compsim_assets.universe.hub.calls import Patience
from compsim_assets.universe.hub.files import HubDataset, HubFile, HubRevision, fetch, forget, is_here
from compsim_assets.universe.hub.revisions import newest_commit, recorded, resolve

__all__ = [
    "HubDataset", "HubFile", "HubRevision", "Patience", "fetch", "forget", "is_here", "newest_commit", "recorded",
    "resolve",
]  # fmt: skip
