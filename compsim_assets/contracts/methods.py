"""Every method, once: the ways to group companies, and the similarities that peers are chosen by.

A method is a value of the column `method`, which plots, universe, evidence and assets all read. Plots may not import
evidence, so the registry is among the contracts. To add a method, write a row here: figures, baselines, robustness,
Table 1 and the names that a universe may not take follow.

Controls are what SAE features are held against (method section 9): each has a similarity of its own name, and clusters
that are cut as ours, `<control>_base` and `<control>_rolling`.

Some methods are named by a universe, and rules stand for their rows: `<encoder>_base`, `<encoder>_rolling` and
`<encoder>_kmeans` are an encoder's clusters, an encoder's plain name is its similarity, and any other name is a
published cluster set, called by its file's name.
"""

from dataclasses import dataclass

OURS, CONTROLS, EMBEDDINGS, PUBLISHED, REFERENCE = "ours", "controls", "embeddings", "published", "reference"


@dataclass(frozen=True)
class Method:
    """A method with a name of its own.

    label: in figures. colour: key of the figures' palette; one idea has one colour.
    family: heads it in a figure's key.
    in_sample: knows returns of the years it is judged on, or anything of later ones (method section 7, trap 6).
    clusters: it groups companies. similarity: its label in figures of peers, where it is a similarity.
    main: statistics that compare methods are of the years that all main methods have.
    reference: every other method is compared with it.
    replays: our method of the same idea, of a published set.
    control: what stands in the SAE features' place, of a control.
    """

    name: str
    label: str
    colour: str
    family: str = OURS
    in_sample: bool = False
    clusters: bool = True
    similarity: str = ""
    main: bool = False
    reference: bool = False
    replays: str = ""
    control: str = ""

    @property
    def reserved(self) -> bool:
        """Whether it is ours, so that nothing of a universe's may have its name."""
        return not self.replays


def _similarity(name: str, label: str, colour: str, family: str = OURS, in_sample: bool = False) -> Method:
    return Method(name, label, colour, family, in_sample, clusters=False, similarity=label)


# Control: its label, the colour of its idea, and what it stands for in a claim.
CONTROL_NAMES = {
    "random_sae": ("Random SAE", "rose", "features of random directions"),
    "raw_activations": ("Raw activations", "sand", "raw activations"),
    "raw_activations_mean": ("Raw activations, averaged", "slate", "raw activations averaged over tokens"),
    "shuffled_features": ("Shuffled features", "brown", "features dealt out anew"),
    "tfidf": ("Words (TF-IDF)", "teal", "words"),
    "tfidf_cosine": ("Words, plain cosine", "lime", "words by their plain cosine"),
}


def _control(name: str) -> tuple[Method, ...]:
    """Its similarity, and its clusters by both cutoffs. Scaler, PCA, weights of words: all of them know all years."""
    label, colour, _ = CONTROL_NAMES[name]
    similarity = Method(name, label, colour, CONTROLS, True, clusters=False, similarity=label, control=name)
    cuts = [
        Method(f"{name}_{cut}", f"{label}, {cut}", colour, CONTROLS, True, control=name) for cut in ("base", "rolling")
    ]
    return (*cuts, similarity)


METHODS = (
    # Scaler, PCA and distance scale of both have seen all years, and the base cutoff has too.
    Method("base", "SAE clusters, base cutoff", "blue", in_sample=True, main=True, reference=True),
    Method("rolling", "SAE clusters, rolling cutoff", "vermillion", in_sample=True, main=True),
    _similarity("pca", "SAE similarity, all years", "blue", in_sample=True),
    _similarity("pairs", "Published similarities", "sky", PUBLISHED, in_sample=True),
    Method("walk_forward", "SAE clusters, walk-forward", "purple", similarity="SAE similarity, walk-fwd", main=True),
    # Judged on later years than its latents are chosen by.
    _similarity("supervised", "Supervised latents", "vermillion"),
    _similarity("supervised_length_controlled", "Supervised, length held", "orange"),
    Method("sic_code", "SIC codes", "green", main=True, reference=True),
    Method("sic_division", "SIC divisions", "orange"),
    _similarity("sic2", "Same two-digit SIC", "green"),
    # Today's sectors: hindsight.
    Method("gics_sector", "GICS sectors", "sky", in_sample=True),
    Method("GCD", "GCD (SAE, base)", "blue", PUBLISHED, in_sample=True, replays="base"),
    Method("GCDR", "GCDR (SAE, rolling)", "vermillion", PUBLISHED, in_sample=True, replays="rolling"),
    Method("SIC", "SIC (SIC codes)", "green", PUBLISHED, reference=True, replays="sic_code"),
    Method("Industry", "Industry (SIC divisions)", "orange", PUBLISHED, replays="sic_division"),
    *(method for name in CONTROL_NAMES for method in _control(name)),
    Method("population", "Population (all pairs)", "black", REFERENCE, main=True, reference=True),
)
BY_NAME = {method.name: method for method in METHODS}
SUPERVISED = ("supervised", "supervised_length_controlled")

# An encoder's cuts: whether the clusters know later years, and whether every other method is compared with them.
# KMeans sees a year's texts alone.
ENCODER_CUTS = {"base": (True, True), "rolling": (True, True), "kmeans": (False, False)}


def encoder_cut(method: str) -> tuple[str, str] | None:
    """Encoder and cut of clusters of embeddings; None for any other method."""
    encoder, _, cut = method.rpartition("_")
    return (encoder, cut) if encoder and cut in ENCODER_CUTS and method not in BY_NAME else None


def knows_later_years(method: str) -> bool:
    """Whether a method's groups know returns of the years they are judged on, or anything of later ones."""
    if method in BY_NAME:
        return BY_NAME[method].in_sample
    cut = encoder_cut(method)
    return ENCODER_CUTS[cut[1]][0] if cut else True  # what made a published set is not known


def is_reference(method: str) -> bool:
    """Whether every other method is compared with this one."""
    cut = encoder_cut(method)
    return ENCODER_CUTS[cut[1]][1] if cut else method in BY_NAME and BY_NAME[method].reference
