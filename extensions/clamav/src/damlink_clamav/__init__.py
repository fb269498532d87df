"""Every file through a ClamAV daemon before it is delivered."""
