"""Story files: a story as JSON of shape story/1, in and out. `docs/` holds no copy of the shape: shape.py is it.

read (bytes -> StoryFile, or all problems) -> store (once, whole) ... write (story -> dict)
"""

from curation.storyfile.batch import Result, store_all
from curation.storyfile.problems import StoryFileError
from curation.storyfile.reading import read
from curation.storyfile.shape import StoryFile
from curation.storyfile.store import Outcome, store
from curation.storyfile.write import write

__all__ = ["Outcome", "Result", "StoryFile", "StoryFileError", "read", "store", "store_all", "write"]
