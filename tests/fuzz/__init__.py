"""No byte sequence makes a reader crash, hang, allocate over its limit or execute anything."""
