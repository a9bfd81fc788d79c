"""Tools for development: the local stack and the demonstration on it."""
