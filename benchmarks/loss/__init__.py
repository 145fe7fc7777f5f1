"""Sound and pictures over bad links."""
