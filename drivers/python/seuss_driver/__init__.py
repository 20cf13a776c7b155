"""The driver: a package, so that its modules never stand in for the user's."""
