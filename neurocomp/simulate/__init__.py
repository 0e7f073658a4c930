"""Cycle-approximate simulation: from a program and a spike trace to counts and times."""
