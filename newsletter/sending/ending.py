"""Why a lane ends."""

from dataclasses import dataclass
from enum import Enum


class End(Enum):
    NOTHING_DUE = "nothing due"
    STOPPED = "stopped"  # somebody said so, or the campaign is no longer being sent
    RESTED = "its time was over"  # there is more to do, for a fresh lane
    TROUBLE = "trouble"  # the campaign says which; the tick tries again
    FENCED = "fenced"


@dataclass(frozen=True)
class Ending:
    """An end, with words for the campaign's page. `pauses`: the campaign must not go on until a person has looked."""

    end: End
    words: str = ""
    pauses: bool = False
