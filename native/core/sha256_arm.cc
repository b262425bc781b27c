// sha256_arm
