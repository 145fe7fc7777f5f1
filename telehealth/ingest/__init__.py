"""Where devices reach us other than over HTTP: the edges that listen for them."""
