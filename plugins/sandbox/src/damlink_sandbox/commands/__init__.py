"""The commands `damlink sandbox` and `damlink demo`."""
