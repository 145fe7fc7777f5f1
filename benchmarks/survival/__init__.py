"""Whether anything is lost when links, the server and the gateway fail, again and again."""
