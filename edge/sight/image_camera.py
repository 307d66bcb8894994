"""Image files in place of a camera: for a trial without one, or for a folder that another program fills."""

from PIL import Image

from edge.errors import UserError, WorkError
from edge.sight.images import expand, open_image


class ImageCamera:
    """Gives the images of a folder, of a pattern, or one image, in turn and again from the first.

    The folder is looked through again in every round, so that what was added is seen. What cannot be read is passed
    over: another program may still be writing it, and it is seen in the next round.

    Args:
        path: of the folder or the file, or a pattern.

    Raises:
        UserError: there is no image.
    """

    def __init__(self, path: str):
        if path == "-":
            raise UserError(
                "--camera=images:- would read paths from standard input; name an image, or a folder of them"
            )
        self._path = path
        self._left = list(expand([path]))
        if not self._left[0].is_file():
            raise UserError(f"--camera: no such file: {path}; name an image, or a folder of images")

    def capture(self) -> Image.Image:
        """Returns the next image that can be read; WorkError where a whole round gives none."""
        trouble = None
        for _ in range(2):  # what is left of this round, and all of the next
            while self._left:
                try:
                    return open_image(self._left.pop(0))
                except UserError as error:
                    trouble = error
            try:
                self._left = list(expand([self._path]))
            except UserError as error:
                trouble = error
        raise WorkError(f"the camera gives no more frames: {trouble}")

    def close(self) -> None:
        """Has nothing to free."""
