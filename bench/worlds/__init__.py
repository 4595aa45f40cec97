"""What is measured against: accounts, a guard on a local AWS, and traffic."""
