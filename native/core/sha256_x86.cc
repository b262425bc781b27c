// sha256_x86
