"""New plugin distributions, from templates and from definitions of APIs."""
