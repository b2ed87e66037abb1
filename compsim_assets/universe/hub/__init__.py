"""Data sets of the Hugging Face hub: which files, at which commit; each fetched, checked, kept or removed again."""

from compsim_assets.universe.hub.calls import Patience
from compsim_assets.universe.hub.files import HubDataset, HubFile, HubRevision, fetch, forget, is_here
from compsim_assets.universe.hub.revisions import recorded, resolve

__all__ = ["HubDataset", "HubFile", "HubRevision", "Patience", "fetch", "forget", "is_here", "recorded", "resolve"]
