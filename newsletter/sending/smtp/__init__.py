"""SMTP (RFC 5321) without waiting: many connections in one loop, one message in flight at the dot of each.

    wire.py        addresses, commands and content as they stand on the line
    replies.py     what the server says, from bytes that come in any pieces
    opening.py     from the greeting to the moment that letters may come: EHLO, STARTTLS, AUTH
    outgoing.py    what is to be sent, and whether a dot has left
    dialogue.py    the letters of one connection, and what becomes of each
    line.py        the socket and its TLS
    entrance.py    opening.py on such a line
    connection.py  one connection, from the first packet to QUIT
    watch.py       which of the sockets can do something
    way.py         one relay: its connections, and patience with it
    pool.py        all of them in one loop: the Post

The first five know neither sockets nor clocks.
"""

from newsletter.sending.smtp.dialogue import ANSWER_SECONDS
from newsletter.sending.smtp.pool import Pool

__all__ = ["ANSWER_SECONDS", "Pool"]
