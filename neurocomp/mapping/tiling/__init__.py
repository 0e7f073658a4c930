"""Tiles: how populations are cut so that each piece fits one core."""
