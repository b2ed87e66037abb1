"""Who is alike, to look at: a map of each year, and a page that opens from disk."""

import dagster as dg
from pydantic import Field

from compsim_assets.assets.common import WHO, DataFrame, columns, progress, table_options
from compsim_assets.contracts import TABLES
from compsim_assets.storage.scores import ScoreTable


class MapConfig(dg.Config):
    """How the maps are drawn."""

    seed: int = Field(default=0, ge=0, description="Seed of t-SNE.")


@dg.asset(ins={"descriptions": columns(*WHO)}, **table_options("company_map", "explorer", "scikitlearn"))
def company_map(
    context: dg.AssetExecutionContext, config: MapConfig, pca_scores: ScoreTable, descriptions: DataFrame
) -> DataFrame:
    """A map of each year: t-SNE of the cosine distances between its reports' PCA scores, started from the map of the
    year before.

    What is near on it is near by cosine for most reports, and `near` says for how many; distances between groups, their
    sizes and the axes mean nothing. Empty where companies are compared by pairs.
    """
    import numpy as np
    import pandas as pd

    from compsim_assets.science.companies import company_of
    from compsim_assets.science.peers.year_map import year_maps

    ids, year, scores = pca_scores.read() if len(pca_scores) else (np.empty(0, np.int64),) * 2 + (np.empty((0, 1)),)
    if not len(ids):
        context.add_output_metadata({"note": "there are no scores: there is no map"})
        return TABLES["company_map"].empty().to_pandas()
    company = pd.factorize(company_of(descriptions).reindex(ids))[0]
    parts = [
        pd.DataFrame({"row": each.rows, "x": each.places[:, 0], "y": each.places[:, 1], "near": each.near})
        for each in year_maps(scores, year, company, config.seed, progress(context, "years on the map"))
    ]
    table = pd.concat(parts, ignore_index=True)
    context.add_output_metadata({"near": float(table["near"].mean())})
    return table.assign(report_id=ids[table["row"]], year=year[table["row"]]).drop(columns="row")
