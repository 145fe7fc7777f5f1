"""The four sockets; docs/protocol.md says what they speak."""
