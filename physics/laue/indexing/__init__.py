"""From found spots to an orientation, refined with the camera's geometry."""

from beamgym.physics.laue.indexing.indexing import Indexed, Indexer, NotIndexed, predict_px
from beamgym.physics.laue.indexing.observed import MIN_MATCHED
from beamgym.physics.laue.indexing.refinement import Refined, refine
from beamgym.physics.laue.indexing.results_file import write_results

__all__ = ["MIN_MATCHED", "Indexed", "Indexer", "NotIndexed", "Refined", "predict_px", "refine", "write_results"]
