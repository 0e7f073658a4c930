"""From counts to energy, in one place."""
