"""Spiking networks of published architectures, written from the papers for the tests of freezing."""
