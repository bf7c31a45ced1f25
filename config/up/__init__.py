"""`manage.py up`: everything the newsroom needs on one machine, started in order, watched, and stopped by pid.

claims.py (one copy to a state folder, ports free) -> broker.py (which one, does it answer) -> parts.py (what is
started, how) -> supervisor.py with child.py (watch, restart, stop); start.py runs them in this order, and alone.py
does it in a single process where there is no broker.
"""


class CannotStart(Exception):
    """What stands in the way, in one line with its cure; shown to the operator as it is."""
