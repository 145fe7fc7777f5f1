"""The bus, in process and on Redis."""
