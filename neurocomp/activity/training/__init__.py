"""One training step of a spiking network, computed as a chip with FP, BP and WG engines would: function, not timing."""
