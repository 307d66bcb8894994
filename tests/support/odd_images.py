"""Image files that are sound but for what stands beside their pixels."""

import io

from PIL import Image


def odd_exif(image: Image.Image) -> bytes:
    """Returns a JPEG that lies on its side, whose tag YCbCrPositioning is a text and not a number."""
    exif = Image.Exif()
    exif[0x0112], exif[0x0213] = 6, 1
    file = io.BytesIO()
    image.transpose(Image.Transpose.ROTATE_90).save(file, "JPEG", exif=exif, quality=95)
    data = bytearray(file.getvalue())
    at = data.index(b"\x02\x13\x00\x03") if b"\x02\x13\x00\x03" in data else data.index(b"\x13\x02\x03\x00")
    data[at + 2 : at + 4] = b"\x00\x02" if data[at] == 2 else b"\x02\x00"
    return bytes(data)
