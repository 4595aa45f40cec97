"""CloudWatch: what each service counts, the API that tells it, and alarms."""
