"""The letters of one connection, and what becomes of each. Pure: bytes and replies in, bytes and outcomes out.

With PIPELINING (RFC 2920) a letter's content, its dot and the next letter's commands leave together, so that one write
and one read carry a letter. At most one letter is at its dot, and one more is ahead: its commands are out, its content
is not. With CHUNKING (RFC 3030) the content goes as soon as RCPT is accepted, and BDAT LAST is the dot; it is never
sent ahead of RCPT's answer, so a refused recipient costs no content and cannot be in doubt.
"""

from collections import deque
from enum import Enum
from math import inf

from newsletter.sending.outcomes import Accepted, Doubt, Halted, Later, Never, NotSent, OursToMend, Outcome
from newsletter.sending.post import Envelope, Halt, Source
from newsletter.sending.smtp import wire
from newsletter.sending.smtp.opening import Server
from newsletter.sending.smtp.outgoing import Outgoing
from newsletter.sending.smtp.replies import Replies, Reply

COMMAND_SECONDS = 300.0  # RFC 5321 4.5.3.2: five minutes for MAIL and RCPT, and for content that stalls
ANSWER_SECONDS = 600.0  # and ten for the answer to the dot
NOT_TAKEN = 421  # what the journal is told of a letter that stood at its dot and surely was not taken
_BEHIND = NotSent("421 4.4.2 The connection was lost before its turn.")


class Step(Enum):
    """What a reply answers."""

    RSET = "RSET"
    MAIL = "MAIL"
    RCPT = "RCPT"
    DATA = "DATA"
    DOT = "the dot"
    LONE_DOT = "the dot after nobody"  # DATA was accepted although no recipient was (RFC 2920 3.1)


class Dialogue:
    """Once `broken` says why, the connection is only good for closing, and no letter is in hand."""

    def __init__(
        self, source: Source, server: Server, *, most: int = 0, answer_seconds: float = ANSWER_SECONDS
    ) -> None:
        """`most` letters are taken; 0: no limit."""
        self.broken = ""
        self.out = Outgoing()
        self.verdicts = 0  # letters of which the server said what becomes of them
        self._source = source
        self._server = server
        self._left: float = most or inf
        self._answer_seconds = answer_seconds
        self._replies = Replies()
        self._expected: deque[Step] = deque()
        self._commands: deque[tuple[Step, bytes]] = deque()  # held back, without PIPELINING
        self._opening: Envelope | None = None  # its commands are out
        self._accepted: Envelope | None = None  # its content may go
        self._at_dot: Envelope | None = None
        self._is_fresh = False  # at_dot has just been asked
        self._needs_reset = False
        self._chunk_refused = False
        self._resting = False
        self._halted = False

    @property
    def in_hand(self) -> int:
        return (self._opening is not None) + (self._accepted is not None) + (self._at_dot is not None)

    @property
    def has_room(self) -> bool:
        """Whether a letter may be taken now."""
        free = self._opening is None and len(self._expected) == (self._at_dot is not None)
        return free and self._left > 0 and not self._resting and not self.broken

    @property
    def is_quiet(self) -> bool:
        """Nothing is in hand and nothing awaited: the moment for QUIT."""
        return not (self.in_hand or self._expected or self.out.size or self.broken)

    @property
    def is_done(self) -> bool:
        """Quiet, and no letter will be taken any more."""
        return (self._resting or self._left <= 0) and self.is_quiet

    @property
    def awaits_answer(self) -> bool:
        """A letter's dot has left."""
        return self._at_dot is not None and not self.out.dot_left

    @property
    def patience(self) -> float:
        """Seconds that may pass without a byte sent or a reply received."""
        if self.awaits_answer:
            return self._answer_seconds
        return COMMAND_SECONDS if self._expected or self.out.size else inf

    def take(self, envelope: Envelope) -> None:
        """Carry one more; only where there is room."""
        if self._accepted is not None:
            self._load()
            if self.broken:
                self._source.ended(envelope, _BEHIND)
                return
        commands = wire.commands(envelope, self._server)
        if not isinstance(commands, tuple):
            self._source.ended(envelope, commands)
            return
        self._left -= 1
        self._opening = envelope
        self._ask(*commands)

    def load(self) -> None:
        """Put the accepted letter's content and dot out. They are to be sent at once: its journal record is made."""
        if self._accepted is not None:
            self._load()

    def may_go_on(self) -> bool:
        """Asked before each write. A letter whose lease is gone is withheld as long as its dot has not left."""
        if self.out.dot_left and self._at_dot is not None:
            if not self._is_fresh and not self._source.lease_holds(self._at_dot):
                self._not_taken(Halted())
                self._break("a letter was withheld")
            self._is_fresh = False
        return not self.broken

    def received(self, data: bytes) -> bool:
        """Bytes from the server, in pieces of any size; whether a reply was among them."""
        replies = self._replies.read(data)
        for reply in replies:
            self._hear(reply)
            if self.broken:
                return True
        if self._replies.fault:
            self.lost(self._replies.fault)
        return bool(replies)

    def rest(self) -> None:
        """Take no letter any more."""
        self._resting = True

    def halt(self) -> None:
        """Let only a letter whose dot has left go on to its answer."""
        was_quiet = self.is_quiet
        self._resting = self._halted = True
        if self._at_dot is not None and self.out.dot_left:
            self._not_taken(Halted())
        self._drop_unsent(Halted())
        if self._at_dot is None and not was_quiet:
            self._break("stopped")

    def lost(self, words: str) -> None:
        """The line is gone, or of no more use."""
        alone = self._at_dot is None
        if self._at_dot is not None and not self.out.dot_left:
            envelope, self._at_dot = self._at_dot, None
            self._source.ended(envelope, Doubt(f"The connection was lost after the dot: {words}"))
        unsent = NotSent(f"the connection was lost before the dot: {words}")
        self._not_taken(unsent)
        self._break(words, unsent if alone else _BEHIND)

    # --- Out ----------------------------------------------------------------------------------------------------

    def _ask(self, mail: bytes, rcpt: bytes) -> None:
        commands = [(Step.MAIL, mail), (Step.RCPT, rcpt)]
        if self._needs_reset:
            commands.insert(0, (Step.RSET, b"RSET\r\n"))
            self._needs_reset = False
        if not self._server.chunking:
            commands.append((Step.DATA, b"DATA\r\n"))
        if self._server.pipelining:
            self._expected.extend([step for step, _ in commands])
            self.out.put(b"".join([command for _, command in commands]))
        else:
            self._commands.extend(commands)
            self._next_command()

    def _next_command(self) -> None:
        if self._commands:
            step, command = self._commands.popleft()
            self._expected.append(step)
            self.out.put(command)

    def _load(self) -> None:
        envelope = self._accepted
        assert envelope is not None
        try:
            self._source.at_dot(envelope)
        except (Halt, OSError):
            self._accepted = None
            self._source.ended(envelope, Halted())
            self._break("a letter was withheld")
            return
        self._accepted = None
        self._at_dot = envelope
        self._expected.append(Step.DOT)
        for piece in wire.content(envelope, chunked=self._server.chunking):
            self.out.put(piece)
        self.out.mark_dot()
        self._is_fresh = True

    # --- In -----------------------------------------------------------------------------------------------------

    def _hear(self, reply: Reply) -> None:
        if reply.code == 421:
            self._closing(reply)
            return
        if not self._expected:
            self._speaks_unasked(reply)
            return
        step = self._expected.popleft()
        if step is Step.DOT:
            self._answered(reply)
        elif step is Step.MAIL:
            self._mail(reply)
        elif step is Step.RCPT:
            self._rcpt(reply)
        elif step is Step.DATA:
            self._data(reply)
        elif step is Step.RSET and reply.code != 250:
            self.lost(f"RSET was answered {reply}")
        elif not self._expected:
            self._next_command()

    def _mail(self, reply: Reply) -> None:
        if reply.code == 250:
            self._next_command()
        elif reply.code == 503 and self._chunk_refused:  # RFC 3030 4.2: after a refused BDAT it wants a RSET first
            self._break(str(reply), _BEHIND)
        elif 500 <= reply.code < 600:
            self._refused(OursToMend(reply.code, reply.words), reply)
        else:
            self._refused(_refusal(reply), reply)
        self._chunk_refused = False

    def _rcpt(self, reply: Reply) -> None:
        if self._opening is None:  # MAIL was refused, and this is only its echo
            return
        if reply.code not in (250, 251):
            self._refused(_refusal(reply), reply)
        elif self._server.chunking:
            self._accepted, self._opening = self._opening, None
        else:
            self._next_command()

    def _data(self, reply: Reply) -> None:
        if self._opening is not None and reply.code == 354:
            self._accepted, self._opening = self._opening, None
        elif self._opening is not None:
            self._refused(_refusal(reply), reply)
        elif reply.code == 354:
            self._expected.append(Step.LONE_DOT)
            self.out.put(wire.DOT)

    def _refused(self, outcome: Outcome | None, reply: Reply) -> None:
        """The opening letter ends, and the line stays good; without an outcome the answer made no sense."""
        envelope = self._opening
        assert envelope is not None
        if outcome is None:
            self.lost(f"the server's answer makes no sense here: {reply}")
            return
        self.verdicts += 1
        self._opening = None
        self._needs_reset = True
        self._commands.clear()
        self._source.ended(envelope, outcome)

    def _answered(self, reply: Reply) -> None:
        """What the server says of the letter at its dot. Before all of it has left, only a refusal is believed."""
        if self.out.dot_left:
            self._not_taken(_refusal(reply) or NotSent(f"The server spoke before the dot: {reply}"))
            self._break(f"the server spoke before the dot: {reply}")
            return
        envelope, self._at_dot = self._at_dot, None
        assert envelope is not None
        self.verdicts += 1
        self._source.answered(envelope, reply.code)
        if 200 <= reply.code < 300:
            self._source.ended(envelope, Accepted(reply.code, reply.words))
        elif refusal := _refusal(reply):
            if self._server.chunking:
                self._chunk_refused, self._needs_reset = self._opening is not None, self._opening is None
            self._source.ended(envelope, refusal)
        else:
            self._source.ended(envelope, Doubt(f"The server gave no answer to the dot, but {reply}"))
            self._break(str(reply))
        if self._halted and self._expected and not self.broken:
            self._break("stopped")

    def _closing(self, reply: Reply) -> None:
        """421, at any moment: the server has dropped whatever it had not answered for."""
        self._not_taken(NotSent(str(reply)))
        self._break(str(reply), NotSent(str(reply)))

    def _speaks_unasked(self, reply: Reply) -> None:
        """Before content: a server that refuses it early has not taken it. At any other time it lies."""
        envelope = self._accepted
        refusal = _refusal(reply) if envelope else None
        if envelope and refusal:
            self._accepted = None
            self._source.ended(envelope, refusal)
        self.lost(f"the server spoke unasked: {reply}")

    # --- Ends ---------------------------------------------------------------------------------------------------

    def _not_taken(self, outcome: Outcome) -> None:
        """The letter at its dot surely was not taken: the journal, which has its record, is told."""
        envelope, self._at_dot = self._at_dot, None
        if envelope is not None:
            code = outcome.code if isinstance(outcome, Later | Never) else NOT_TAKEN
            self._source.answered(envelope, code)
            self._source.ended(envelope, outcome)

    def _drop_unsent(self, outcome: Outcome) -> None:
        for envelope in (self._accepted, self._opening):
            if envelope is not None:
                self._source.ended(envelope, outcome)
        self._accepted = self._opening = None
        self._commands.clear()

    def _break(self, words: str, unsent: Outcome = _BEHIND) -> None:
        self.broken = words or "broken"
        self._drop_unsent(unsent)


def _refusal(reply: Reply) -> Later | Never | None:
    """None: it is none."""
    if 400 <= reply.code < 500:
        return Later(reply.code, reply.words)
    return Never(reply.code, reply.words) if 500 <= reply.code < 600 else None
