"""What the universe's files hold for an asset, as a hash: while it is the same, the asset would read the same.

Files count by content, which is remembered by path, size, times and inode, so that an unchanged universe costs a look
at each file. Data sets of the hub count by their commit. The sample counts by its version.
"""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compsim_assets.code_versions import version_of
from compsim_assets.storage.results import Results
from compsim_assets.universe.intake.contents import Contents, contents_beside, files_in
from compsim_assets.universe.layout import UniverseError
from compsim_assets.universe.opening import open_universe

if TYPE_CHECKING:
    from compsim_assets.settings import Settings

# Kinds of files by what their names begin with; others are read by nobody but who reports on all.
_KINDS = (
    "reports", "features", "pairs", "prices", "factors", "fundamentals", "fuzz_scores", "published_clusters",
    "published_strong_features", "cointegrated_pairs", "pca", "extraction", "embedding", "rebuild", "judge",
)  # fmt: skip
_BEGINNINGS = {"F-F_": "factors", "index_cik_ticker_map.": "tickers"}
_EVERYTHING = frozenset({*_KINDS, "tickers", "returns", "other"})

# What each asset reads: kinds of files, and the tables of universe.toml of the same names.
READS: Mapping[str, frozenset[str]] = {
    "universe_report": _EVERYTHING,
    "descriptions": frozenset({"reports"}),
    "returns": frozenset({"reports", "returns", "prices"}),
    "price_history": frozenset({"reports", "prices"}),
    "published_pairs": frozenset({"pairs"}),
    "sparse_autoencoder": frozenset({"reports", "extraction"}),
    "sae_features": frozenset({"reports", "features", "extraction"}),
    "vintage_features": frozenset({"reports", "extraction"}),
    "pca": frozenset({"pca"}),
    "pca_scores": frozenset({"pca"}),
    "fuzz_scores": frozenset({"fuzz_scores"}),
    "judged_latents": frozenset({"fuzz_scores"}),
    "latent_windows": frozenset({"fuzz_scores"}),
    "baseline_clusters": frozenset({"reports", "published_clusters"}),
    "embeddings": frozenset({"reports", "extraction", "embedding"}),
    "fundamentals_explained": frozenset({"fundamentals"}),
    "robustness": frozenset({"factors"}),
    "published_strong_features": frozenset({"published_strong_features"}),
    "published_cointegrated_pairs": frozenset({"cointegrated_pairs", "tickers"}),
    "rebuild_report": frozenset({"rebuild"}),
}
# Tables of which these assets ask the hub for the newest version; the others take the one that was asked for last.
_NEWEST = {
    "descriptions": {"reports", "pairs"},
    "universe_report": {"reports"},
    "sae_features": {"features"},
    "published_pairs": {"pairs"},
}
# Settings of the extraction that say what is made of a language model's activations.
_OF_FEATURES = ("sae", "hookpoint", "long_texts")
# And what else is made of them than an SAE.
_OF_CONTROLS = ("random_sae", "raw_activations")
_WITHOUT = {"embeddings": _OF_FEATURES, "sparse_autoencoder": _OF_CONTROLS, "vintage_features": _OF_CONTROLS}
_MODELS = ("model", "sae")
_PACKAGE = "package:"
# What the embedded sample is made of, in `compsim_assets.sample.size`: not imported, that takes longer than a look.
_SAMPLE = ("GENERATOR_VERSION", "SampleSize", "FULL")


def fingerprint(settings: "Settings", asset: str) -> str:
    """Of one asset, see `fingerprints`."""
    return fingerprints(settings, [asset])[asset]


def fingerprints(settings: "Settings", assets: Iterable[str]) -> dict[str, str]:
    """For each asset a hash of what the universe's files hold for it; empty for one that reads none of them.

    The hub is asked for the newest commit where one of these assets would; without a connection that on disk counts.
    Nothing is downloaded.

    Cost: a stat per file; new and changed files are read once.

    Raises:
        UniverseError: a local folder that is not given or does not exist, a huggingface.toml that cannot be understood.
    """
    assets = list(assets)
    reading = [asset for asset in assets if asset in READS]
    if not reading:
        return dict.fromkeys(assets, "")
    if settings.source == "sample":
        stamp = _hash_of(version_of("compsim_assets.sample.size", name) for name in _SAMPLE)
        return {asset: stamp if asset in READS else "" for asset in assets}
    with contents_beside(Results.of(settings).folder) as contents:
        read = _Reading(settings, contents, {table for asset in reading for table in _NEWEST.get(asset, ())})
        return {asset: _hash_of(read.parts(asset)) if asset in READS else "" for asset in assets}


class _Reading:
    """A universe's files, as far as assets read them."""

    def __init__(self, settings: "Settings", contents: Contents, newest: set[str]) -> None:
        self._settings, self._contents, self._newest = settings, contents, newest
        self._universe: Any = open_universe(settings)
        self._hub: Mapping[str, Any] = getattr(self._universe, "tables", {})
        self._files: dict[str, list[Path]] = {}
        self._folder = self._universe.folder
        for path in sorted(self._folder.iterdir()) if self._folder.is_dir() else ():
            if not path.name.startswith("."):
                self._files.setdefault(_kind(path), []).extend(files_in(path))

    def parts(self, asset: str) -> Iterator[str]:
        """What an asset reads, in words and hashes."""
        kinds = set(READS[asset])
        if "reports" in kinds and not self._has("reports"):
            kinds.add("pairs")  # whose reports they are then
        if asset == "returns" and not self._lacks_returns():
            kinds.remove("prices")  # that are only held against the returns
        if asset == "embeddings" and self._has("embedding"):
            kinds.remove("extraction")  # whose language model would be the encoder
        if asset in ("sae_features", "sparse_autoencoder"):
            yield f"pairs: {self._has('pairs')}"  # which decide whether features are read
            if asset == "sparse_autoencoder":
                yield f"features: {self._has('features')}"  # which need none
            if self._settings.similarity == "pairs":
                return  # they are not, and the hub is not asked for them
        yield from self._rules(kinds)
        for kind in sorted(kinds & self._hub.keys()):
            yield self._of_hub(kind)
        for kind in sorted(kinds & {"extraction", "embedding"}):
            yield from self._models(self._folder / f"{kind}.toml", _WITHOUT.get(asset, ()))
        paths = [path for kind in kinds - {"extraction", "embedding"} for path in self._files.get(kind, ())]
        for path, content in self._contents.of(paths).items():
            yield f"{path.relative_to(self._folder)}: {content}"

    def _has(self, kind: str) -> bool:
        return kind in self._files or kind in self._hub

    def _lacks_returns(self) -> bool:
        """Whether returns are made of prices; where that cannot be told from files that are here, perhaps."""
        files = self._files.get("reports", [])
        if "reports" in self._hub or not files:
            return True
        content = _hash_of([*self._contents.of(files).values(), *self._rules({"reports"})])
        try:
            return bool(self._contents.answer("lacks_returns", content, self._universe.lacks_returns))
        except UniverseError:
            return True

    def _rules(self, kinds: set[str]) -> Iterator[str]:
        """What universe.toml says of these kinds of files."""
        tables = _toml(self._folder / "universe.toml")
        yield from (f"{table}: {keys}" for table, keys in tables.items() if table in kinds or table not in _EVERYTHING)

    def _models(self, path: Path, without: Iterable[str]) -> Iterator[str]:
        """Settings of language models, and what they name."""
        named = ((name, value) for name, value in _named(_toml(path)) if name.rpartition(".")[2] not in without)
        for name, value in named:
            yield f"{path.name} {name}: {value!r}"
            yield from _of_model(name.rpartition(".")[2], str(value), self._folder, self._contents)

    def _of_hub(self, table: str) -> str:
        """A data set and its commit: the newest one where this is asked for, else that which was used last."""
        from compsim_assets.universe.hub import newest_commit

        described = self._hub[table]
        source = described.source()
        if source.folder is not None:
            commit = _hash_of(self._contents.of(files_in(source.folder)).values())
        elif table in self._newest:
            commit = newest_commit(source, self._universe.cache)
        else:
            commit = self._universe.revision(table).rpartition("@")[2]
        return f"{source} {sorted(described.columns.items())} {commit}"


def fingerprint_of_models(settings: "Settings", named: Mapping[str, Any]) -> str:
    """A hash of settings of language models, and of what the models that they name hold.

    A name of the hub counts by the commit that its cache has: it is downloaded once, and read from there.

    Args:
        settings: of the run. named: settings by key, folders absolute.
    """
    parts = [f"{key}: {value!r}" for key, value in named.items()]
    with contents_beside(Results.of(settings).folder) as contents:
        for key, value in named.items():
            parts += _of_model(key, str(value), Path("/"), contents)
            if key in _MODELS and "/" in str(value) and not str(value).startswith("/"):
                parts.append(f"{key}: {_cached_commit(str(value))}")
    return _hash_of(parts)


def _of_model(key: str, value: str, beside: Path, contents: Contents) -> Iterator[str]:
    """What a model or an SAE holds: a folder its files, a package its version; nothing of a name on the hub."""
    if key not in _MODELS or not value:
        return
    folder = beside / Path(value).expanduser()
    if folder.is_dir():
        yield from (f"{file.relative_to(folder)}: {content}" for file, content in contents.of(files_in(folder)).items())
    elif value.startswith(_PACKAGE):
        yield _version_of_package(value.removeprefix(_PACKAGE))


def _cached_commit(name: str) -> str:
    """The commit of a model's main branch in the hub's cache; empty where it is not there."""
    from huggingface_hub import constants
    from huggingface_hub.file_download import repo_folder_name

    folder = Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=name, repo_type="model")
    with suppress(OSError):
        return (folder / "refs" / "main").read_text()
    return ""


def _kind(path: Path) -> str:
    stem = path.name.partition(".")[0]
    if stem in _KINDS:
        return stem
    return next((kind for beginning, kind in _BEGINNINGS.items() if path.name.startswith(beginning)), "other")


def _toml(path: Path) -> dict[str, Any]:
    """A file of settings; of one that is no TOML what it holds, and nothing without one."""
    try:
        content = path.read_bytes()
    except OSError:
        return {}
    try:
        return tomllib.loads(content.decode("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        return {path.name: content}


def _named(settings: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Single settings by their whole name, `TABLE.key`."""
    for name, value in sorted(settings.items()):
        if isinstance(value, dict):
            yield from _named(value, f"{before}{name}.")
        elif isinstance(value, list) and value and all(isinstance(each, dict) for each in value):
            for number, each in enumerate(value):
                yield from _named(each, f"{before}{name}.{number}.")
        else:
            yield f"{before}{name}", value


@cache
def _version_of_package(name: str) -> str:
    """The version of an installed package, by the name that it is imported by."""
    from importlib import metadata

    with suppress(metadata.PackageNotFoundError):
        return metadata.version(name)
    # It is called otherwise where it is installed from; to look at all that are installed takes a second.
    return " ".join(f"{each} {metadata.version(each)}" for each in metadata.packages_distributions().get(name, ()))


def _hash_of(texts: Iterable[str]) -> str:
    return blake2b("\n".join(sorted(texts)).encode(), digest_size=10).hexdigest()
