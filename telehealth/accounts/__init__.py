"""Users, credentials, tokens, invitations, device credentials."""
