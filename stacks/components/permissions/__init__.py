"""What each guard function may do, and what they may never do: all of it stands here."""
