"""What AWS refuses: calls beyond a rate, what is too large, and failures on request."""
