"""What sending costs here, always beside a reference measured in the same run; docs/benchmarks.md tells how.

Each program is a module with `run(options) -> Result`; `__main__.PROGRAMS` names them all.
"""
