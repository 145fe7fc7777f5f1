"""The media plane: one UDP port, peers, publications, subscriptions."""
