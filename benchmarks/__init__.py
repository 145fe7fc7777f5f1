"""Measurements of a running server: each is a program of its own that ends with one line of JSON."""
