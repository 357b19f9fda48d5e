"""The HTTP face: app, routes, errors to answers."""
