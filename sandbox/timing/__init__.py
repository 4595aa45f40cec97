"""Virtual time: its clock, what holds it, and what happens later."""
