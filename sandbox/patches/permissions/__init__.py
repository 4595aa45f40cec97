"""IAM: whose rights a call is made with, and when they are in force."""
