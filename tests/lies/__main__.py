"""Lie in every answer: `make lies`."""

from __future__ import annotations

from lies.series import main

if __name__ == "__main__":
    main()
