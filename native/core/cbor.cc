// cbor
