"""Fields of an image's EXIF data into metaproperties."""
