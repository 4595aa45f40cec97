"""The commands of `loopbreaker`, and what does the work of the larger ones."""
