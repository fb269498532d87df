"""The console: web pages for an administrator, made on the server. Owns Jinja2's pages."""
