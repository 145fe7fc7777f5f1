"""HTTP and WebSockets on aiohttp: pages, JSON API, sockets."""
