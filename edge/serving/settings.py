"""The settings that change while images are read: the number of patches, the exit, the saliency."""

from dataclasses import asdict, dataclass

from edge.arguments import number
from edge.errors import UserError

NEVER = "never"
READ = {"num_patches": number(1), "exit_entropy": number(0, kind=float), "saliency_level": number(0, kind=float)}


@dataclass(frozen=True)
class Settings:
    """What `edge.run` calls --num_patches, --exit_entropy and --saliency_level; None is the bundle's own."""

    num_patches: int | None = None
    exit_entropy: float | str | None = None
    saliency_level: float | None = None

    @classmethod
    def from_content(cls, content) -> "Settings":
        """Returns the settings that a JSON object holds; UserError where it holds something else."""
        if not isinstance(content, dict) or not set(content) <= set(READ):
            raise UserError(f"settings must be an object of {', '.join(READ)}, received {str(content)[:80]}")
        return cls(**{name: _checked(name, value) for name, value in content.items()})

    def content(self) -> dict:
        """Returns the settings as `from_content` takes them."""
        return asdict(self)


def _checked(name: str, value):
    if value is None or (name == "exit_entropy" and value == NEVER):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UserError(f"{name} must be a number, received {str(value)[:40]!r}")
    try:
        return READ[name](repr(value))
    except Exception as error:  # argparse's own
        raise UserError(f"{name} {error}") from None
