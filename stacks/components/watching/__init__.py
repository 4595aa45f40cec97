"""What people see of the guard, and what watches it."""
