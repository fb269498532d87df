"""Photographs of the sandbox: painted landscapes as JPEG, with the EXIF and IPTC that real ones carry."""

from __future__ import annotations

import io
import struct
import unicodedata

import attrs
from PIL import Image

from damlink_sandbox.landscape import Landscape, Palette, paint

DAWN = Palette((92, 118, 170), (250, 196, 160), (255, 244, 214), (190, 160, 170), (38, 44, 66))
NOON = Palette((54, 120, 200), (206, 230, 246), (255, 255, 240), (140, 170, 190), (34, 74, 50))
DUSK = Palette((40, 38, 86), (244, 132, 84), (255, 214, 150), (140, 84, 110), (22, 18, 36))
NIGHT = Palette((10, 14, 38), (54, 70, 120), (235, 238, 250), (44, 58, 96), (8, 10, 22))
DESERT = Palette((70, 140, 190), (250, 222, 176), (255, 250, 225), (222, 170, 122), (150, 78, 44))
WINTER = Palette((120, 150, 186), (232, 238, 244), (255, 255, 255), (206, 218, 232), (120, 140, 164))
AUTUMN = Palette((110, 150, 180), (248, 226, 186), (255, 246, 214), (196, 160, 110), (116, 52, 24))
MOOR = Palette((128, 138, 146), (214, 216, 206), (246, 244, 230), (150, 156, 146), (66, 78, 56))
COAST = Palette((44, 132, 164), (198, 236, 232), (255, 255, 244), (120, 178, 176), (20, 78, 88))

IPTC_RESOURCE = 0x0404
OBJECT_NAME, KEYWORD, DATE, BYLINE, CREDIT, COPYRIGHT, CAPTION = 5, 25, 55, 80, 110, 116, 120


@attrs.frozen
class Scene:
    """One photograph: how big, of what, by whom.

    Attributes:
        taken: local time, ISO 8601 to the minute; EXIF knows no zone.
        place: latitude and longitude in degrees, for the GPS block; `None` for none.
    """

    filename: str
    size: tuple[int, int]
    landscape: Landscape
    caption: str
    artist: str
    taken: str
    keywords: tuple[str, ...]
    place: tuple[float, float] | None = None


def scenes(seed: int) -> list[Scene]:
    """The photographs of that seed."""
    root = seed * 1000
    return [
        Scene(
            "lake-at-dawn.jpg",
            (2400, 1600),
            Landscape(DAWN, root + 1, water=0.8, sun=(0.7, 0.35)),
            "A lake before sunrise, with mist between the hills.",
            "Mara Lindqvist",
            "2025-05-08T05:12",
            ("lake", "dawn", "mist"),
            (46.6247, 8.0350),
        ),
        Scene(
            "pine-ridge.jpg",
            (1800, 1200),
            Landscape(NOON, root + 2, trees=60, sun=(0.3, 0.2)),
            "Pines along a ridge at noon.",
            "Jane Smith",
            "2025-06-09T12:31",
            ("pine", "forest", "summer"),
        ),
        Scene(
            "burning-peak.jpg",
            (1200, 1600),
            Landscape(DUSK, root + 3, water=0.86, trees=20, sun=(0.5, 0.45)),
            "The last light on a peak.",
            "Tomasz Zieliński",
            "2025-08-11T20:48",
            ("peak", "dusk", "portrait"),
        ),
        Scene(
            "moon-over-hills.jpg",
            (1600, 1067),
            Landscape(NIGHT, root + 4, clouds=0.2, sun=(0.25, 0.25), trees=30),
            "A full moon over wooded hills.",
            "Ayşe Demir",
            "2025-11-05T23:02",
            ("moon", "night", "hills"),
        ),
        Scene(
            "red-dunes.jpg",
            (2000, 1125),
            Landscape(DESERT, root + 5, clouds=0.05, relief=0.07, sun=(0.8, 0.18)),
            "Dunes under a clear sky.",
            "Omar Haddad",
            "2025-02-17T15:20",
            ("desert", "dunes", "heat"),
        ),
        Scene(
            "first-snow.jpg",
            (1500, 1500),
            Landscape(WINTER, root + 6, clouds=0.7, trees=45, sun=(0.6, 0.3)),
            "The first snow of the year.",
            "Ingrid Solberg",
            "2025-12-02T10:05",
            ("snow", "winter", "cold"),
        ),
        Scene(
            "autumn-valley.jpg",
            (2100, 1400),
            Landscape(AUTUMN, root + 7, trees=70, relief=0.09, sun=(0.15, 0.3)),
            "A valley in October, larches turning.",
            "Jane Smith",
            "2025-10-14T16:40",
            ("autumn", "valley", "larch"),
        ),
        Scene(
            "quiet-moor.jpg",
            (1280, 853),
            Landscape(MOOR, root + 8, clouds=0.95, relief=0.05, water=0.88),
            "Still water on the moor.",
            "Mara Lindqvist",
            "2025-03-23T09:15",
            ("moor", "grey", "calm"),
        ),
        Scene(
            "green-coast.jpg",
            (1920, 1080),
            Landscape(COAST, root + 9, clouds=0.5, relief=0.08, water=0.72, sun=(0.5, 0.2)),
            "A bay with headlands, one behind the other.",
            "Rui Almeida",
            "2025-07-01T11:55",
            ("coast", "sea", "bay"),
        ),
    ]


def photograph(scene: Scene) -> bytes:
    """The scene as a JPEG file with EXIF (APP1) and IPTC (APP13)."""
    file = io.BytesIO()
    paint(scene.landscape, *scene.size).save(file, "JPEG", quality=88, exif=_exif(scene).tobytes())
    return _insert(file.getvalue(), _app13(_iptc(scene)))


def _exif(scene: Scene) -> Image.Exif:
    exif = Image.Exif()
    stamp = scene.taken.replace("-", ":").replace("T", " ") + ":00"
    artist = (
        unicodedata.normalize("NFKD", scene.artist).encode("ascii", "ignore").decode()
    )  # all that EXIF takes
    exif.update({0x010F: "Damlink", 0x0110: "Sandbox One", 0x0132: stamp, 0x013B: artist})
    exif.update({0x010E: scene.caption, 0x8298: f"(c) {scene.taken[:4]} {artist}"})
    # exposure, aperture, ISO, taken, focal length
    exif[0x8769] = {0x829A: 1 / 250, 0x829D: 8.0, 0x8827: 100, 0x9003: stamp, 0x920A: 35.0}
    if scene.place:
        north, east = scene.place
        exif[0x8825] = {1: "NS"[north < 0], 2: _degrees(north), 3: "EW"[east < 0], 4: _degrees(east)}
    return exif


def _degrees(angle: float) -> tuple[float, float, float]:
    minutes, seconds = divmod(round(abs(angle) * 3600, 2), 60)
    return float(minutes // 60), float(minutes % 60), round(seconds, 2)


def _iptc(scene: Scene) -> bytes:
    """IPTC-IIM: the character set (1:90, UTF-8), then record 2."""
    fields = [(OBJECT_NAME, scene.filename.rpartition(".")[0]), *((KEYWORD, word) for word in scene.keywords)]
    fields += [
        (DATE, scene.taken[:10].replace("-", "")),
        (BYLINE, scene.artist),
        (CREDIT, f"{scene.artist} / Damlink"),
    ]
    fields += [(COPYRIGHT, f"(c) {scene.taken[:4]} {scene.artist}"), (CAPTION, scene.caption)]
    record = [_dataset(1, 90, b"\x1b%G"), _dataset(2, 0, b"\x00\x04")]
    return b"".join([*record, *(_dataset(2, number, text.encode()) for number, text in fields)])


def _dataset(record: int, number: int, value: bytes) -> bytes:
    return struct.pack(">BBBH", 0x1C, record, number, len(value)) + value


def _app13(iptc: bytes) -> bytes:
    """The JPEG segment that holds it, as a Photoshop resource; both are padded to even lengths."""
    resource = struct.pack(">4sHHI", b"8BIM", IPTC_RESOURCE, 0, len(iptc)) + iptc + b"\0" * (len(iptc) % 2)
    body = b"Photoshop 3.0\0" + resource
    return struct.pack(">HH", 0xFFED, len(body) + 2) + body


def _insert(jpeg: bytes, segment: bytes) -> bytes:
    """`jpeg` with a segment after its leading APP0 and APP1, where readers expect those first."""
    at = 2
    while jpeg[at : at + 2] in (b"\xff\xe0", b"\xff\xe1"):
        at += 2 + int.from_bytes(jpeg[at + 2 : at + 4])
    return jpeg[:at] + segment + jpeg[at:]
