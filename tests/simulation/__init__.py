"""The guard under random schedules: faults, people and runs that overlap, one seed each.

A seed is a schedule (`schedule`), a schedule is played (`play`) on a simulated account
(`world`) with a virtual clock and runs that take turns (`turns`), what people want is
kept beside it (`wishes`), and what must hold is checked (`rules`). `python -m tests.simulation`
plays seeds and shows one that fails, made as short as possible (`shorten`).
"""
