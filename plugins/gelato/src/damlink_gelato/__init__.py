"""Tagged Bynder assets into a Gelato library, with a link back."""
