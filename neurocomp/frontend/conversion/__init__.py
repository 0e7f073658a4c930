"""From a trained network without spikes to a spiking one."""
