"""The labels of sequences, as the heads of a sequence top give them. Plain lists; nothing here needs TensorFlow."""

NOTHING = -1  # the label, in every head, of an image with nothing to read in it, where no length 0 says so


def sequence_labels(sequences, max_length: int, symbols: int, min_length: int = 1):
    """Returns the heads' labels of sequences of symbols: the length's category, then the symbols, then 'none'.

    Args:
        sequences: lists of symbols 0..symbols - 1, each of min_length to max_length.
        max_length: number of positions.
        symbols: number of symbols; the label of 'none'.
        min_length: 0 where there may be nothing to read; the length of the first category.

    Returns:
        A list of lists of 1 + max_length integers.

    Raises:
        ValueError: a sequence is too short or too long, or a symbol is unknown.
    """
    for sequence in sequences:
        if not min_length <= len(sequence) <= max_length or any(not 0 <= s < symbols for s in sequence):
            raise ValueError(
                f"a sequence must hold {min_length} to {max_length} symbols of 0 to {symbols - 1}. Received: {sequence}"
            )
    return [[len(s) - min_length, *s, *[symbols] * (max_length - len(s))] for s in sequences]


def nothing_labels(top) -> list[int]:
    """Returns the heads' labels of an image with nothing to read in it: the length 0 where the top knows it.

    Args:
        top: a `SequenceTopSpec`.
    """
    if top.min_length:
        return [NOTHING] * len(top.heads)
    return sequence_labels([()], top.max_length, top.symbols, 0)[0]
