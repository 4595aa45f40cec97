"""What a hold shows: its counts laid out, and the verdict on them."""
