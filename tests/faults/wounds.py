"""The mutants: what each takes out of the protocol, and the run that must notice."""

from dataclasses import dataclass

SENDING = "newsletter/sending/"
KILLS = "STEPS=1 EVERY=7 STOP=1"
RUN = "RECIPIENTS=400 FAULTS=12"


@dataclass(frozen=True)
class Edit:
    """In this file, this text (which stands there once) becomes that."""

    file: str
    old: str
    new: str


@dataclass(frozen=True)
class Wound:
    """`words`: the run, as after `make faults`; on this database, since some rules stand in the SQL of one of them."""

    name: str
    edits: tuple[Edit, ...]
    words: str = KILLS
    db: str = "sqlite"


def _one(name: str, file: str, old: str, new: str, *, words: str = KILLS, db: str = "sqlite") -> Wound:
    return Wound(name, (Edit(SENDING + file, old, new),), words, db)


WOUNDS = [
    _one(
        "no journal record at the dot",
        "outbox.py",
        "            place.shift.at_dot(place.letter)\n",
        "            pass\n",
    ),
    _one(
        "the answer is recorded before it came",
        "journal.py",
        "self._write(Kind.AT_DOT, delivery, epoch, attempt, 0)",
        "self._write(Kind.ANSWER, delivery, epoch, attempt, 250)",
    ),
    _one(
        "the answer is not recorded",
        "outbox.py",
        "            place.shift.answered(place.letter, code)\n",
        "            pass\n",
        words="STEPS=1 EVERY=3 STOP=1",
    ),
    _one(
        "no epoch in a turn (PostgreSQL)",
        "turn.py",
        "WHERE id = %(chunk)s AND epoch = %(epoch)s RETURNING id",
        "WHERE id = %(chunk)s RETURNING id",
        db="postgresql",
    ),
    Wound(
        "no epoch in a turn (SQLite)",
        (
            Edit(
                SENDING + "turn.py",
                "Chunk.objects.filter(pk=turn.chunk, epoch=turn.epoch)",
                "Chunk.objects.filter(pk=turn.chunk)",
            ),
            Edit(
                SENDING + "ledger.py",
                "WHERE id = %s AND epoch = %s)",
                "WHERE id = %s AND epoch >= 0 * %s)",
            ),
        ),
    ),
    _one(
        "settled though fenced (PostgreSQL)",
        "turn.py",
        "WHERE d.id = n.id AND d.state IN ('queued', 'deferred') AND EXISTS (SELECT 1 FROM held) RETURNING 1",
        "WHERE d.id = n.id AND d.state IN ('queued', 'deferred') RETURNING 1",
        words="STEPS=1 EVERY=3 STOP=1",
        db="postgresql",
    ),
    _one(
        "the window is not marked (PostgreSQL)",
        "turn.py",
        "window_from = COALESCE(%(oldest)s, (SELECT min(number) FROM following)),\n"
        "            window_to = GREATEST(%(newest)s, (SELECT max(number) FROM following))",
        "window_from = NULL, window_to = NULL",
        db="postgresql",
    ),
    _one(
        "the window begins too late (PostgreSQL)",
        "turn.py",
        "window_from = COALESCE(%(oldest)s, (SELECT min(number) FROM following))",
        "window_from = COALESCE((SELECT min(number) FROM following), %(oldest)s)",
        db="postgresql",
    ),
    _one(
        "the window ends too early (SQLite)",
        "turn.py",
        "window_to=max(numbers, default=None)",
        "window_to=min(numbers, default=None)",
    ),
    _one(
        "recovery skips the journal",
        "recover.py",
        "    trace = journal.seal_and_read(owner)\n",
        "    journal.seal_and_read(owner)\n    trace = Trace(whole=True, codes={})\n",
    ),
    _one(
        "recovery does not seal",
        "journal.py",
        "        os.write(file, _record(Kind.SEAL))\n",
        "        pass\n",
    ),
    _one(
        "a seal is not looked at",
        "journal.py",
        "        if os.lseek(self._file, 0, os.SEEK_CUR) != self._length:\n            raise Sealed\n",
        "",
    ),
    _one(
        "leases are ignored by a claim",
        "claim.py",
        "free = Q(lease_until=None) | Q(lease_until__lt=Now())",
        "free = Q(epoch__gte=0)",
        words=RUN,
    ),
    _one(
        "a claim does not raise the epoch",
        "claim.py",
        'epoch=F("epoch") + 1,',
        'epoch=F("epoch"),',
    ),
    _one(
        "who left is mailed (PostgreSQL)",
        "turn.py",
        "{MAILABLE} AS mailable",
        "TRUE OR {MAILABLE} AS mailable",
        db="postgresql",
    ),
    _one(
        "a doubt is not counted",
        "outcomes.py",
        "doubts + 1",
        "doubts",
    ),
    _one(
        "doubts are sent again without end",
        "ledger.py",
        "doubtful.filter(doubts__lt=MOST_DOUBTS).update(",
        "doubtful.update(",
    ),
    _one(
        "what was not sent is settled as sent",
        "outcomes.py",
        "        case NotSent() | Halted() | OursToMend():\n            return None",
        "        case NotSent() | Halted() | OursToMend():\n"
        '            return Settlement(letter.delivery, DeliveryState.SENT, "250", tried, doubts)',
    ),
    _one(
        "a chunk is given back with letters out",
        "shift.py",
        "return len(self._answers) == len(self._open)",
        "return True",
    ),
    _one(
        "a journal is thrown away too early",
        "claim.py",
        "    before = (chunk.owner, chunk.epoch)\n",
        "    before = (chunk.owner, chunk.epoch)\n    journal.forget(chunk.owner)\n",
    ),
    _one(
        "a doubt passes for not sent",
        "smtp/dialogue.py",
        'Doubt(f"The connection was lost after the dot: {words}")',
        'NotSent(f"The connection was lost after the dot: {words}")',
    ),
    _one(
        "settled as sent before the answer",
        "smtp/dialogue.py",
        'Doubt(f"The connection was lost after the dot: {words}")',
        'Accepted(250, f"The connection was lost after the dot: {words}")',
    ),
    Wound(
        "done without the books",
        (
            Edit(
                SENDING + "due.py",
                "    if Chunk.objects.filter(campaign=campaign, closed=False).exists():\n        return False\n",
                "",
            ),
            Edit(
                SENDING + "campaigns.py",
                "Campaign.objects.filter(~Exists(own.open()), frozen_count=Subquery(ended))",
                "Campaign.objects.all()",
            ),
            Edit(
                "newsletter/migrations/0002_no_way_back.py",
                "NEW.state = 'done' AND OLD.state <> 'done' AND (",
                "NEW.state = 'done' AND OLD.state <> 'done' AND FALSE AND (",
            ),
        ),
    ),
    _one(
        "the lease is not looked at before the dot",
        "shift.py",
        "return not self.fenced and time.monotonic() < self._lease_ends",
        "return not self.fenced",
        words="STEPS=1 EVERY=40 FAR=1 STOP=1",
    ),
]
