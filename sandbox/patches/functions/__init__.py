"""How functions run, and the API that they are changed by."""
