"""What is simulated: an account, its traffic and trail, people, and what goes wrong."""
