"""Mapping: which part of a network lies on which core, and which way its spikes go."""
