from compsim_assets.plots.methods import method_styles, similarity_styles
from compsim_assets_tests.plots.frames import LONG, SIMILARITIES, mean_correlation


def test_known_methods_look_the_same_in_every_company():
    alone = method_styles(["rolling"])["rolling"]
    together = method_styles(["SBERT", "population", "rolling", "base"])
    assert together["rolling"] == alone
    assert list(together) == ["base", "rolling", "SBERT", "population"]


def test_known_methods_differ():
    styles = method_styles(mean_correlation()["method"]).values()
    assert len({(s.colour, str(s.linestyle), s.hollow) for s in styles}) == len(styles)
    assert len({s.label for s in styles}) == len(styles)


def test_unknown_methods_get_colours_of_their_own():
    unknown = [f"embedding {k}" for k in range(25)]
    styles = method_styles([*unknown, *mean_correlation()["method"]])
    others = {style.colour for name, style in styles.items() if name not in unknown}
    assert len({styles[name].colour for name in unknown} - others) == len(unknown)
    assert method_styles(reversed([*unknown, "base"])) == method_styles([*unknown, "base"])


def test_embeddings_are_known_by_the_end_of_their_name():
    names = [*(f"enc{k}_{cut}" for k in (1, 2) for cut in ("kmeans", "base", "rolling")), "BERT"]
    styles = method_styles([*names, "base", "gics_sector", "_base"])
    assert [name for name, style in styles.items() if style.group == "Embeddings"] == [
        f"enc{k}_{cut}" for k in (1, 2) for cut in ("base", "rolling", "kmeans")
    ]
    assert {styles[name].group for name in ("BERT", "_base")} == {"Published cluster sets"}
    assert len({styles[f"enc1_{cut}"].colour for cut in ("base", "rolling", "kmeans")}) == 1
    assert styles["enc1_base"].colour != styles["enc2_base"].colour
    assert len({(s.colour, s.marker, str(s.linestyle)) for s in styles.values()}) == len(styles)


def test_long_names_keep_their_ends():
    assert method_styles([f"org/{LONG}_kmeans"]).popitem()[1].label == "paraphra…-base-v2, kmeans"
    labels = [style.label for style in method_styles(["x" * 90]).values()]
    assert [len(label) for label in labels] == [25]


def test_similarities_are_named_as_such_and_others_are_encoders():
    styles = similarity_styles([*SIMILARITIES, "pairs"])
    assert styles["walk_forward"].label != method_styles(["walk_forward"])["walk_forward"].label
    assert {name for name, s in styles.items() if s.group == "Embeddings"} == {LONG, "org/model"}
    assert styles["org/model"].label == "model"
    assert len({s.colour for s in styles.values()}) == len(styles)
    both = method_styles(["pca", "supervised"])
    assert both["pca"] == styles["pca"]
