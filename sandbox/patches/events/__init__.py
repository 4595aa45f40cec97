"""What AWS tells: CloudTrail's events, schedules, and mails."""
