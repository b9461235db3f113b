"""What is compiled before the first task is all that tasks and searches run: no later process compiles it again."""

import subprocess
import sys
from pathlib import Path

import pimmi

SEARCHES = """
import sys
import pimmi.pipeline.compiled
from numba.core.dispatcher import Dispatcher

def compiled():
    modules = [module for name, module in sys.modules.items() if name.startswith("pimmi.matching")]
    functions = {each for module in modules for each in vars(module).values() if isinstance(each, Dispatcher)}
    return {(function.__name__, signature) for function in functions for signature in function.signatures}

before = compiled()
study = pimmi.open(sys.argv[1])
hits = [len(study.search(sys.argv[2])) for _ in range(2)]
print(hits[0] == hits[1] > 1, "verify" in dict(before), sorted(name for name, _ in compiled() - before))
"""


def test_a_search_compiles_nothing_more(corpus: Path, study: pimmi.Study) -> None:
    query = corpus / "images" / study.links().column("query_path")[0].as_py()
    said = subprocess.run(
        [sys.executable, "-c", SEARCHES, study.path, query], check=True, capture_output=True, encoding="utf-8"
    ).stdout
    assert said == "True True []\n"
