"""The local inbox: a mail server that keeps what it is given, and the Maildir it keeps it in. For this machine only.

It stands on its own: no other room is imported here, and Django is not needed to run it.
"""
