"""AWS's weather: how late, how slowly and how often the sandbox does what AWS does."""
