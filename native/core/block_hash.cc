// block_hash
