"""What the operations of an exported graph do to streams."""
