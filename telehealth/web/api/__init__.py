"""The JSON API, by noun: each handler parses, calls one service and renders."""
