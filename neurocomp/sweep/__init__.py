"""Design-space sweeps: many chips, mappings and settings for one or several networks, each point on disk once done."""
