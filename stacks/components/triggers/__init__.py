"""What wakes the guard's functions."""
