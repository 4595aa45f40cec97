"""The hold, played through and drawn."""
