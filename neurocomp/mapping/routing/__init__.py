"""Routes: which way spikes go, and what that costs."""
