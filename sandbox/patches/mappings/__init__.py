"""Event source mappings: how slowly they change, and how often they deliver."""
