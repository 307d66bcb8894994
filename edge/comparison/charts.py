"""Bars for a screen, and for a picture in SVG."""

from html import escape

BARS = " ▏▎▍▌▋▊▉█"
ROW, LABEL, WIDTH, VALUE = 22, 150, 360, 110  # pixels


def text_bars(values: dict, unit: str, width: int = 40) -> str:
    """Returns a line per value, at least 0: name, bar, number and unit. The longest bar has `width` characters."""
    most = max(values.values()) or 1
    longest = max(map(len, values))
    return "\n".join(
        f"{name:<{longest}}  {_bar(value / most * width)} {value:,.2f} {unit}" for name, value in values.items()
    )


def _bar(length: float) -> str:
    eighths = round(length * 8)
    return BARS[8] * (eighths // 8) + BARS[eighths % 8].strip()


def svg_bars(values: dict, unit: str, title: str) -> str:
    """Returns an SVG with a horizontal bar per value.

    Args:
        values: name -> number, at least 0.
        unit: of the numbers.
        title: above the bars; it has to say where the numbers are from.
    """
    most = max(values.values()) or 1
    size = (LABEL + WIDTH + VALUE, ROW * (len(values) + 2))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{size[0]}" height="{size[1]}" '
        f'viewBox="0 0 {size[0]} {size[1]}" font-family="sans-serif" font-size="13">',
        f'<rect width="{size[0]}" height="{size[1]}" fill="white"/>',
        f'<text x="8" y="{ROW * 0.75:g}" font-weight="bold">{escape(title)}</text>',
    ]
    for row, (name, value) in enumerate(values.items(), 1):
        top, length = ROW * row + 4, value / most * WIDTH
        parts += [
            f'<text x="{LABEL - 8}" y="{top + 13}" text-anchor="end">{escape(name)}</text>',
            f'<rect x="{LABEL}" y="{top}" width="{length:.1f}" height="{ROW - 6}" fill="#4477aa"/>',
            f'<text x="{LABEL + length + 6:.1f}" y="{top + 13}">{value:,.2f} {escape(unit)}</text>',
        ]
    return "\n".join([*parts, "</svg>"]) + "\n"
