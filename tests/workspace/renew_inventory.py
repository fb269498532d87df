"""Write the inventory of Bynder's published operations, which tests and the reference read.

python tests/workspace/renew_inventory.py FOLDER
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

sys.path.insert(0, str(Path(__file__).parents[1]))

from workspace.published import INVENTORY, inventory_of


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
def main(folder: Path) -> None:
    """Read the definitions in FOLDER, and write the inventory beside this program."""
    rows = inventory_of(folder)
    text = ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    INVENTORY.write_text(f"[\n{text}\n]\n", encoding="utf-8")
    click.echo(f"{len(rows)} operations: {INVENTORY}")


if __name__ == "__main__":
    main()
