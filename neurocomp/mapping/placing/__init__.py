"""Cores for the parts of a network: what spikes take of the links, and the hottest of them, kept small together."""
