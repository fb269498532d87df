"""Write the inventory of Bynder's published operations, and the answers that the client compares.

python tests/workspace/renew_inventory.py FOLDER
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

sys.path.insert(0, str(Path(__file__).parents[1]))

from workspace.answers import ANSWERS, file_of, published_shapes, seen_shapes
from workspace.published import INVENTORY, OPERATIONS, inventory_of


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
def main(folder: Path) -> None:
    """Read the definitions in FOLDER; write the inventory beside this program, and the client's answers."""
    rows = inventory_of(folder)
    text = ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    INVENTORY.write_text(f"[\n{text}\n]\n", encoding="utf-8")
    click.echo(f"{len(rows)} operations: {INVENTORY}")
    names = ",\n".join(json.dumps(f"{row['method']} {row['path']}") for row in rows)
    OPERATIONS.write_text(f"[\n{names}\n]\n", encoding="utf-8")
    # What the client reads from a portal of the sandbox begins with what is published.
    published = published_shapes(folder)
    ANSWERS.write_text(file_of(published), encoding="utf-8")
    shapes = seen_shapes(published)
    ANSWERS.write_text(file_of(shapes), encoding="utf-8")
    click.echo(f"{len(shapes)} answers: {ANSWERS}")


if __name__ == "__main__":
    main()
