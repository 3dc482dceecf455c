"""Hooks of the fuzzer: what JSON Schema and serde see differently."""

import schemathesis

# Beyond it not every whole number is a float, and above 64 bits serde takes none in any notation but that of floats.
EXACT = 2**53


def whole(value):
    """The value with its whole numbers written as such: 3.0 is an integer to JSON Schema, and none to serde."""
    if isinstance(value, float) and value.is_integer() and abs(value) <= EXACT:
        return int(value)
    if isinstance(value, dict):
        return {key: whole(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [whole(inner) for inner in value]
    return value


@schemathesis.hook
def map_body(context, body):
    return whole(body)
