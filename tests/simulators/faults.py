"""What can go wrong between a provider and its caller, and plans of when it does."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import TypeVar


class Answer(Enum):
    """How the paid call is answered."""

    TAKEN = auto()
    """As documented."""
    BUSY = auto()
    """429 with Retry-After; no job."""
    UNAVAILABLE = auto()
    """503; no job."""
    REFUSED = auto()
    """422: the input is no good; no job."""
    LOST = auto()
    """The job is taken, and the connection closed without a word."""
    HANGING = auto()
    """The job is taken, and nothing said for a while; then the connection is closed."""
    GATEWAY = auto()
    """The job is taken, and a gateway says 504."""
    BROKEN = auto()
    """The job is taken, and the provider says 500."""
    RESET = auto()
    """The job is taken, and the connection is reset."""


class Ending(Enum):
    """What becomes of a job."""

    SUCCESS = auto()
    FAILURE = auto()
    UNSAFE = auto()
    """The provider's filter refuses the picture."""
    SLOW = auto()
    """Success, but late."""
    NEVER = auto()


class Callback(Enum):
    """When a job's end is told; one that gets no 2xx is sent again a few times."""

    ONCE = auto()
    DROPPED = auto()
    REPEATED = auto()
    """Three times at once."""
    DELAYED = auto()
    EARLY = auto()
    """Before the paid call is answered: the job is done at once."""


class Forgery(Enum):
    """A callback that is not the provider's, sent while the job runs, which says that it is done, and where."""

    SIGNATURE = auto()
    """The signature is another body's."""
    KEY = auto()
    """The signature is made with another key."""
    UNSIGNED = auto()
    TRUNCATED = auto()
    """Half the body is missing."""
    REPLAYED = auto()
    """It was signed ten minutes ago."""
    GENERATION = auto()
    """It comes to the URL of another generation."""


NOT_TAKEN = (Answer.BUSY, Answer.UNAVAILABLE, Answer.REFUSED)
UNKNOWN = (Answer.LOST, Answer.HANGING, Answer.GATEWAY, Answer.BROKEN, Answer.RESET)


@dataclass(frozen=True, kw_only=True)
class Course:
    """How one paid call and its job go; the first `failed_polls` questions about the job are answered 503."""

    answer: Answer = Answer.TAKEN
    ending: Ending = Ending.SUCCESS
    callback: Callback = Callback.ONCE
    forgeries: tuple[Forgery, ...] = ()
    failed_polls: int = 0


Plan = Callable[[int, int], Course]
"""Says how a paid call goes: its number, from 0, and how many the same generation has made before."""

Kind = TypeVar("Kind", Answer, Ending, Callback)

WELL = Course()
MAX_REFUSALS = 2
"""By chance a generation is refused no more often than this, so that its tries do not run out."""


def scripted(*courses: Course, then: Course = WELL) -> Plan:
    """Plan paid calls one by one."""
    return lambda number, _: courses[number] if number < len(courses) else then


def chance(
    seed: int,
    *,
    answers: Mapping[Answer, float] | None = None,
    endings: Mapping[Ending, float] | None = None,
    callbacks: Mapping[Callback, float] | None = None,
    forged: float = 0.0,
    failed_polls: float = 0.0,
) -> Plan:
    """Plan by chance: each fault with its probability, all else well; the same seed and number give the same course."""

    def draw(dice: random.Random, faults: Mapping[Kind, float] | None, well: Kind) -> Kind:
        kinds, weights = [well], [1.0]
        for kind, weight in (faults or {}).items():
            kinds.append(kind)
            weights += [weight]
            weights[0] -= weight
        return dice.choices(kinds, weights)[0]

    def plan(number: int, tries: int) -> Course:
        dice = random.Random(f"{seed}:{number}")
        answer = draw(dice, answers, Answer.TAKEN)
        return Course(
            answer=Answer.TAKEN if answer in NOT_TAKEN and tries >= MAX_REFUSALS else answer,
            ending=draw(dice, endings, Ending.SUCCESS),
            callback=draw(dice, callbacks, Callback.ONCE),
            forgeries=(dice.choice(list(Forgery)),) if dice.random() < forged else (),
            failed_polls=1 if dice.random() < failed_polls else 0,
        )

    return plan


@dataclass(frozen=True, kw_only=True)
class Timing:
    """How long things take, in seconds; `again` says after which waits a callback that was refused is sent again."""

    work: float = 0.05
    slow: float = 1.0
    delay: float = 0.5
    hang: float = 0.5
    retry_after: int = 1
    again: tuple[float, ...] = (0.2, 1.0, 3.0)
    callback_timeout: float = 15.0
