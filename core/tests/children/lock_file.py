"""Locks an SQLite file, says so, and holds it until its input ends: FILE."""

from __future__ import annotations

import sqlite3
import sys

database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
sys.stdin.read()
