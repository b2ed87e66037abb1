"""Texts that both programs that read texts are tested on: doubled, missing, empty, too long."""

from compsim_assets_tests.workers.tiny_models import WORDS

LONG = " ".join(WORDS[:10] * 2)
TEXTS = ["bank of gold", "oil", LONG, None, "oil", "", "steel and bread", " \n", LONG, "bank quux"]
UNIQUE = ["bank of gold", "oil", LONG, "steel and bread", "bank quux"]
# Row of each text among the different ones.
ROWS = [0, 1, 2, -1, 1, -1, 3, -1, 2, 4]
