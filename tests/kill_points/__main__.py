"""Kill at every point: `make kill-points`."""

from __future__ import annotations

from kill_points.series import main

if __name__ == "__main__":
    main()
