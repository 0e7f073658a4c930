"""Inputs of a run from .npz files: read without trust, checked against the network and the free memory."""
