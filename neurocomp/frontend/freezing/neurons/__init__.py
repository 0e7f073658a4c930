"""What neurons of the frameworks, and of users, do: read from their parameters."""
