"""Reading of OpenAPI definitions, for the blueprint of a plugin."""
