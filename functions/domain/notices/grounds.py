"""The grounds of an assessment as sentences."""

from dataclasses import dataclass
from typing import Final

from functions.domain.detection.assessment import Ground, Reason, Unit
from functions.domain.notices.text import format_quantity


@dataclass(frozen=True, slots=True)
class GroundWords:
    """How one reason is said: what it means, then its numbers where they are known.

    Attributes
    ----------
    sentence
        The whole sentence instead, where its numbers are known: the value, then the reference.
    nothing
        The same for a value of 0.
    """

    means: str
    seen: str = "{}"
    compared: str = "against {}"
    sentence: str = ""
    nothing: str = ""


_LEAST: Final = 0.1  # what is less is said to be nothing
_OF_ITS_OWN: Final = "at most {} of it can be its own doing"
GROUND_WORDS: Final[dict[Reason, GroundWords]] = {
    Reason.NO_DATA: GroundWords("CloudWatch has no datapoints of it yet"),
    Reason.BELOW_FLOOR: GroundWords(
        "It runs too seldom to be called a loop", "{}", "the floor of this deployment is {}"
    ),
    Reason.NOT_SUSTAINED: GroundWords(
        "It has not gone on long enough to be called a loop", "{} so far", "needed are {}"
    ),
    Reason.WITHIN_RECENT: GroundWords(
        "It was as busy within the last 3 hours", "now {}", "then up to {}"
    ),
    Reason.HAS_PRECEDENT: GroundWords(
        "It was as busy before, within the last 14 days", "now {}", "then up to {}"
    ),
    Reason.FOLLOWS_CLOCK: GroundWords(
        "It is as busy at this time on other days", "now {}", "then up to {}"
    ),
    Reason.SUBSIDING: GroundWords("It is going down by itself", "now {}", "at its highest {}"),
    Reason.BACKLOG: GroundWords(
        "It is working off a backlog that gets smaller", "now {}", "before {}"
    ),
    Reason.UNLIKE_LOOP: GroundWords(
        "It is busier than usual, but not in the way of a loop", "now {}", "usual are {}"
    ),
    Reason.LOOP_RULED_OUT: GroundWords(
        "In its configuration nothing that it writes leads back to it"
    ),
    Reason.ABOVE_FLOOR: GroundWords(
        "It is above the floor of this deployment", "{}", "the floor is {}"
    ),
    Reason.ABOVE_RECENT: GroundWords(
        "It is far above the 3 hours before", "now {}", "before at most {}"
    ),
    Reason.NO_PRECEDENT: GroundWords(
        "It was never this busy in the last 14 days, loops apart", "now {}", "then at most {}"
    ),
    Reason.NO_HISTORY: GroundWords(
        "Its history is too short to have a normal", "known are {}", "needed are {}"
    ),
    Reason.HISTORY_UNREAD: GroundWords(
        "Its last 14 days could not be read, so it is not known whether it was ever this busy"
    ),
    Reason.SUSTAINED: GroundWords("It has not let up", "{} so far", "{} are enough to count"),
    Reason.GROWING: GroundWords(
        "It keeps growing, as a loop that feeds itself does", "{}", "before {}"
    ),
    Reason.PLATEAU: GroundWords(
        "It stays at one height and does not fall, as a closed loop does", "{}", "against {}"
    ),
    Reason.AT_CEILING: GroundWords(
        "It takes all the concurrency that it can get", "{}", "the ceiling is {}"
    ),
    Reason.THROTTLED: GroundWords("AWS is throttling it", "{}", "against {}"),
    Reason.NATIVE_DROPS: GroundWords(
        "AWS found it invoking itself and dropped invocations", "{}", "against {}"
    ),
    Reason.LOOP_PROVEN: GroundWords("In its configuration, what it writes triggers it again"),
    Reason.DEMAND_FELL: GroundWords(
        "Under the cap its demand fell, as a loop's does", "{}", "before the cap {}"
    ),
    Reason.PINNED_AT_CAP: GroundWords("It uses its whole cap all the time", "{}", "the cap is {}"),
    Reason.THROTTLED_BY_CAP: GroundWords("The cap turned the rest away", "{}", "against {}"),
    Reason.BELOW_CAP: GroundWords("It stays below its cap", "{}", "the cap is {}"),
    Reason.OUTSIDE_DEMAND: GroundWords(
        "It is asked for as much under its cap as before, so the work comes from outside",
        "now {}",
        "before {}",
    ),
    Reason.STARVES_OTHERS: GroundWords(
        "It takes the account's concurrency from other functions, and AWS throttles it",
        "{}",
        "the account has {}",
    ),
    Reason.BURNS_FAST: GroundWords(
        "It costs more a minute than this deployment allows (danger_usd_per_minute)",
        "{}",
        "allowed are {}",
    ),
    Reason.SOURCES_UNKNOWN: GroundWords("It was not held: what invokes it is not known"),
    Reason.CALLERS_WAIT: GroundWords(
        "It was not held: callers may wait for its answers, and would be refused"
    ),
    Reason.SOURCES_MIXED: GroundWords(
        "It was not held: it has sources of different kinds, which nothing delays together"
    ),
    Reason.MAPPING_UNKNOWN: GroundWords(
        "It was not held: it could not be read what one of its event source mappings would lose"
    ),
    Reason.PROVISIONED_MODE: GroundWords(
        "It was not held: its event source mapping of a queue is in provisioned mode"
    ),
    Reason.PROVISIONED_CONCURRENCY: GroundWords(
        "It was not held: it has provisioned concurrency, or that could not be read"
    ),
    Reason.FEW_RECEIVES: GroundWords(
        "It was not held: its queue gives a message up after too few receives",
        sentence="It was not held: its queue gives a message up after {}, and a hold needs {}",
    ),
    Reason.SHORT_RETENTION: GroundWords(
        "It was not held: its events may not be kept for long enough",
        compared="a hold needs {}",
        sentence="It was not held: its events are kept for {} only, and a hold needs {}",
    ),
    Reason.SHORT_AGE: GroundWords(
        "It was not held: its events may be given up too soon",
        compared="a hold needs {}",
        sentence="It was not held: its events are given up after {}, and a hold needs {}",
    ),
    Reason.DURATION_UNKNOWN: GroundWords("It was not held: how long it runs is not known"),
    Reason.CAP_TOO_HIGH: GroundWords(
        "It was not held: its normal peak would hardly slow it down",
        sentence="It was not held: its normal peak is {}, and only {} or fewer would slow it down",
    ),
    Reason.HELD_OFTEN: GroundWords(
        "It was not held: it was held too often of late",
        sentence="It was not held: it was held {} within 24 hours; the maximum is {}",
    ),
    Reason.BACKLOG_BEFORE: GroundWords(
        "It was not held: another function of its loop works off a backlog, and feeds it meanwhile",
        sentence="It was not held: another function of its loop works off a backlog of {}, and"
        " feeds it meanwhile; a hold can do with {}",
    ),
    Reason.PEAK_UNKNOWN: GroundWords(
        "It was not capped: its history is too short to know its normal peak",
        sentence="It was not capped: {} of its history are known, and {} are needed for its normal"
        " peak",
    ),
    Reason.CAPPED_LATELY: GroundWords(
        "It was not capped: it was capped lately, and callers are not refused time and again"
    ),
    Reason.WOULD_BE_CAPPED: GroundWords(
        "In enforce mode it would be capped at its normal peak",
        sentence="In enforce mode it would be capped at its normal peak of 14 days: {}",
    ),
    Reason.CAPPED_FOR: GroundWords("It was capped", sentence="It was capped for {}"),
    Reason.CALLERS_REFUSED: GroundWords(
        "Callers were refused",
        sentence="Under the cap {} were refused at least",
        nothing="Under the cap nobody was refused",
    ),
    Reason.STILL_ASKED: GroundWords(
        "It was asked for", sentence="In the newest minute it was asked for {}"
    ),
    Reason.FED_BY_OTHERS: GroundWords("Others feed it", "added {}", _OF_ITS_OWN),
    Reason.WORKS_OFF: GroundWords("It works off what had arrived before", "added {}", _OF_ITS_OWN),
    Reason.TRIED_AGAIN: GroundWords("What fails is tried again", "added {}", _OF_ITS_OWN),
    Reason.HELD_FOR: GroundWords("It was watched", sentence="It was watched for {}"),
    Reason.ARRIVED_WHILE_HELD: GroundWords(
        "What arrived while it was held",
        sentence="While it was held, {} arrived; before, {}",
        nothing="While it was held, nothing arrived; before, {1}",
    ),
    Reason.LET_GO: GroundWords(
        "A few events ran in a trial",
        sentence="Then a few events ran in a trial; {} had waited",
        nothing="Then a few events ran in a trial; nothing had waited",
    ),
    Reason.CAME_BACK: GroundWords(
        "What ran in the trial came back",
        sentence="What ran in the trial came back {}; a loop comes back {} or more",
        nothing="What ran in the trial did not come back",
    ),
    Reason.WROTE_ALL: GroundWords(
        "What its own executions wrote accounts for all that arrived since it began",
        sentence="What its own executions wrote accounts for all that arrived since it began: {}"
        " for each that they were given",
    ),
    Reason.WROTE_NO_MORE: GroundWords(
        "It wrote nothing for what had waited",
        sentence="In the trial it wrote as much as in {} before; had it written for what had waited"
        " too, it would have been as much as in {}",
    ),
    Reason.ARRIVED_HELD_AGAIN: GroundWords(
        "What arrived while it was held again",
        sentence="Held again, {} arrived; in the trial, {}",
        nothing="Held again, nothing arrived; in the trial, {1}",
    ),
    Reason.COMES_BACK: GroundWords(
        "It feeds itself: held, nothing arrives; in a trial, it comes back round after round"
    ),
    Reason.LOOP_BESIDE_WORK: GroundWords(
        "It feeds itself beside its usual work: held, only as much arrives as always; in a trial,"
        " it writes as much as before for as long as it runs, and nothing for what had waited"
    ),
    Reason.NOTHING_ARRIVES: GroundWords("Nothing arrives that a loop would send"),
    Reason.FED_FROM_OUTSIDE: GroundWords(
        "As much arrived while it was held as before, so others feed it"
    ),
    Reason.WRITES_EXPLAIN: GroundWords(
        "What others send explains it, with the few events that it writes for each"
    ),
    Reason.NOT_COME_BACK: GroundWords("A few events ran in a trial, and did not come back"),
    Reason.ENDED_IN_TRIAL: GroundWords(
        "A few events ran in a trial, and it came to an end by itself"
    ),
    Reason.UNLIKE_TRIAL: GroundWords(
        "More came, or less evenly, than what ran in the trial can write"
    ),
    Reason.CAME_ON: GroundWords("Held again, it went on arriving, so others feed it"),
    Reason.FEW_GENERATIONS: GroundWords("What ran in the trial came back too seldom for a loop"),
    Reason.UNCOUNTED: GroundWords("What arrives could not be counted everywhere"),
    Reason.TOO_MUCH_OUTSIDE: GroundWords("Too much arrives from outside to see what comes back"),
    Reason.CYCLE_TOO_SLOW: GroundWords(
        "It may go round too slowly for a hold to show it",
        sentence="It may go round too slowly for a hold to show it: that could take {}, and a hold"
        " takes {} at most",
    ),
    Reason.TRIAL_TOO_DEAR: GroundWords(
        "To see it come back would cost more than this deployment allows (danger_usd_per_minute),"
        " or take more than ran before"
    ),
    Reason.DATA_LATE: GroundWords("The figures of CloudWatch came too late for a verdict"),
}
_NO_HISTORY_AT_ALL: Final = (
    "Nothing is known of it from the 14 days before (former loops do not count), so there is no"
    " normal to compare with."
)


def describe_ground(ground: Ground) -> str:
    """Say a ground with its numbers.

    A reason without words of its own is said by its name, so that a notice is never missing
    because of its wording.
    """
    words = GROUND_WORDS.get(ground.reason) or GroundWords(
        f"{ground.reason.value.replace('_', ' ').capitalize()}"
    )
    if ground.reason is Reason.NO_HISTORY and ground.unit is Unit.DAYS and ground.value == 0:
        return _NO_HISTORY_AT_ALL
    is_complete = ground.reference is not None or words.sentence.count("{}") == 1
    if words.sentence and ground.value is not None and is_complete:
        return _describe_whole(words, ground.value, ground.reference or 0.0, ground.unit)
    parts = []
    if ground.value is not None:
        parts.append(words.seen.format(format_quantity(ground.value, ground.unit)))
    if ground.reference is not None:
        # The unit stands once: after the number that comes first.
        unit = Unit.NONE if parts else ground.unit
        parts.append(words.compared.format(format_quantity(ground.reference, unit)))
    numbers = ", ".join(parts)
    return f"{words.means}: {numbers}." if numbers else f"{words.means}."


def _describe_whole(words: GroundWords, value: float, reference: float, unit: Unit) -> str:
    said = words.nothing if words.nothing and value < _LEAST else words.sentence
    return f"{said.format(format_quantity(value, unit), format_quantity(reference, unit))}."
