"""From a simulation to figures: the typed result, its text, its JSON."""
