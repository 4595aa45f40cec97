"""In-memory twins of the ports, with AWS's rules, a journal of the calls and faults to inject."""
