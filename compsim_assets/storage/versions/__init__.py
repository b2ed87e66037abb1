"""Whole sets of results: what readers see, and what one can go back to.

A results folder is where runs work: while one runs, its tables are of different moments. A version is that folder as
it was when all in it fitted: hard links to the same files, which take no room until a file is replaced, and a manifest
with the checksum of each. `published` beside the results is a link to the version that readers see; it moves in one
step, when a version is whole on disk. A reader that follows it once stays in one version.

    <results>/published -> .published/20261129T060512Z-1a2b3c4d
    <results>/.published/<version>/manifest.json, <asset>.parquet, figures/, sae_features/, .made_from/ ...

Belongs here: publishing, going back, verifying. Not: how a single result takes its place (storage.publish), what was
made from what (storage.lineage), what changed between two versions (the asset rebuild_report).
"""

from compsim_assets.storage.versions.history import NotPublished, UnknownVersion, Versions
from compsim_assets.storage.versions.version import Version

__all__ = ["NotPublished", "UnknownVersion", "Version", "Versions"]
